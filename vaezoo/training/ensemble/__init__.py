"""Train several members of a matrix in one process."""
