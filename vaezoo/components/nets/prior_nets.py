"""Modules of priors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaezoo.model.distribution import LOG_TWO_PI, DiagonalGaussian, LatentDistribution


class StandardNormalNet(nn.Module):
    """N(0, I)."""

    def __init__(self, latent: Sequence[int]) -> None:
        super().__init__()
        self.latent = tuple(latent)

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, *latent) -> (B,), nats."""
        return -0.5 * (z**2 + math.log(2 * math.pi)).flatten(1).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), on the generator's device."""
        return torch.randn(count, *self.latent, generator=generator, device=generator.device)

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        """KL(q || N(0, I)) of each latent, (B, latents), nats; None if q's entropy is unknown.

        ½ (μ² + σ² − 1 − log σ²) for a Gaussian (Kingma and Welling 2014, appendix B).
        """
        if isinstance(posterior, DiagonalGaussian):
            mean, log_var = posterior.mean, posterior.log_var
            return (0.5 * (mean**2 + log_var.exp() - 1 - log_var)).flatten(1)
        variance, entropy = posterior.variance, posterior.entropy
        if variance is None or entropy is None:
            return None
        return (0.5 * (posterior.mean**2 + variance + LOG_TWO_PI) - entropy).flatten(1)
