"""Runs: one spec from its text to its entry, and many of them, here or on a Ray cluster."""
