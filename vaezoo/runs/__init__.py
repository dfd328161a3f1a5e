"""Runs: from a spec to its published entry, and sweeps of several runs, here or on Ray."""
