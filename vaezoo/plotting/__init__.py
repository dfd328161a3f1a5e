"""Plots and pictures: their style, and how they become small PNG files."""
