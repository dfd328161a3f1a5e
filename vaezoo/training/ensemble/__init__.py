"""Members of a matrix that train together in one process."""
