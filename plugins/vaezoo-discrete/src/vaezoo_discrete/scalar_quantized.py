"""Finite scalar quantization."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaezoo_discrete.codes import Certain

#: Keeps the outermost levels within reach of tanh, as in the paper's listing.
_MARGIN = 1e-3


class FSQFamily(nn.Module):
    """Numbers bounded by tanh and rounded to levels; the gradient passes through the rounding."""

    levels: Tensor
    bases: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.count = math.prod(levels)
        bases = [math.prod(levels[:index]) for index in range(len(levels))]
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        self.register_buffer("bases", torch.tensor(bases), persistent=False)

    def forward(self, parameters: Tensor) -> Certain:
        """parameters (B, len(levels), *latent)."""
        levels = self._along(self.levels, parameters).to(parameters.dtype)
        half = (levels - 1) * (1 + _MARGIN) / 2
        offset = torch.where(levels % 2 == 0, 0.5, 0.0)
        shift = torch.atanh(offset / half)
        bounded = torch.tanh(parameters + shift) * half - offset
        rounded = bounded + (bounded.round() - bounded).detach()
        digits = bounded.detach().round().long() + self._along(self.levels, parameters) // 2
        codes = (digits * self._along(self.bases, parameters)).sum(1)
        width = self._along(self.levels, parameters) // 2
        return Certain(codes, rounded / width, self.features, {})

    def features(self, z: Tensor) -> Tensor:
        """Codes (B, *latent) -> numbers in [−1, 1], (B, len(levels), *latent)."""
        shape = (-1, *[1] * (z.ndim - 1))
        bases, levels = self.bases.view(shape), self.levels.view(shape)
        digits = z.unsqueeze(1) // bases % levels
        return (digits - levels // 2) / (levels // 2).float()

    @staticmethod
    def _along(values: Tensor, parameters: Tensor) -> Tensor:
        return values.view(-1, *[1] * (parameters.ndim - 2))
