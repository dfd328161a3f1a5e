"""How training steps run: eager or compiled, and at which matmul precision.

Every private PyTorch interface that vaezoo uses is used here; ``README.md`` lists them.
"""
