"""Modules of priors."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class StandardNormalNet(nn.Module):
    """N(0, I)."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.latent = latent

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, latent) -> (B,), nats."""
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, latent), on the generator's device."""
        return torch.randn(count, self.latent, generator=generator, device=generator.device)

    def kl(self, mean: Tensor, log_var: Tensor) -> Tensor:
        """KL(N(mean, exp(log_var)) || N(0, I)) for each dimension: (B, latent), nats."""
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var)
