"""The plain PyTorch networks of ``plain_variants.py``, for the loops that train them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import plain_variants
from worker import WORKS

#: the device of all tensors
DEVICE = torch.device(os.environ["DEVICE"])

train_epoch = plain_variants.train_epoch
shuffled_batches = plain_variants.shuffled_batches


def network(work: str) -> plain_variants.VAE:
    """The network of a workload in plain PyTorch."""
    torch.manual_seed(0)
    made = {"mlp": plain_variants.mlp, "conv": plain_variants.conv}[work](WORKS[work].latent)
    return made.to(DEVICE)


def pixels(images: np.ndarray) -> Tensor:
    """uint8 (N, 28, 28) as floats in [0, 1]: (N, 1, 28, 28)."""
    return torch.from_numpy(images).to(DEVICE).unsqueeze(1).float() / 255
