"""The words, by group: one module for each digit, and one for the lint."""
