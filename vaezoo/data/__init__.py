"""Images as tensors: loading, placement during training, batches, and grids as PNG."""
