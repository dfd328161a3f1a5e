"""A plain PyTorch loop over one float tensor of all images, with a shuffled permutation."""

from __future__ import annotations

import numpy as np
import torch
from networks import network, pixels, shuffled_batches, train_epoch
from worker import WORKS, serve


def prepare(work: str, images: np.ndarray):
    floats = pixels(images)
    model = network(work)
    optimizer = torch.optim.Adam(model.parameters())
    size = WORKS[work].batch_size
    return lambda: train_epoch(model, shuffled_batches(floats, size), optimizer), {}


if __name__ == "__main__":
    serve(prepare, "torch")
