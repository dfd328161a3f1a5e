"""Images as tensors: where they live during training, and grids of them as PNG."""
