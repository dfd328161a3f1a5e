"""Plots and pictures: style, drawing, and small PNG files."""
