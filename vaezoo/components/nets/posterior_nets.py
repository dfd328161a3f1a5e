"""Modules of posteriors, and their distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaezoo.model.distribution import (
    LOG_TWO_PI,
    DiagonalGaussian,
    LatentDistribution,
    bounded_log_var,
)


class SoftplusGaussianFamily(nn.Module):
    """Diagonal Gaussians with σ = log(1 + exp(s))."""

    def forward(self, parameters: Tensor) -> DiagonalGaussian:
        """parameters (B, 2, *latent): μ and s."""
        mean, raw = parameters.unbind(1)
        # where softplus underflows, its logarithm is s itself
        log_scale = torch.where(raw > -15, F.softplus(raw).clamp(min=1e-8).log(), raw)
        return DiagonalGaussian(mean, bounded_log_var(2 * log_scale))

    def features(self, z: Tensor) -> Tensor:
        """z (B, *latent) itself."""
        return z


class FullCovariance(LatentDistribution):
    """N(mean, L Lᵀ): ``mean`` (B, d), ``factor`` L (B, d, d), lower triangular."""

    def __init__(self, mean: Tensor, log_diagonal: Tensor, factor: Tensor) -> None:
        """``log_diagonal`` (B, d) is the logarithm of L's diagonal."""
        self._mean = mean
        self._log_diagonal = log_diagonal
        self.factor = factor

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def variance(self) -> Tensor:
        variance: Tensor = self.factor.square().sum(2)
        return variance

    @property
    def entropy(self) -> Tensor:
        return 0.5 * (1 + LOG_TWO_PI) + self._log_diagonal

    def sample(self, generator: torch.Generator) -> Tensor:
        """z = μ + L ε."""
        noise = torch.randn(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return self.mean + (self.factor @ noise.unsqueeze(2)).squeeze(2)

    def log_prob(self, z: Tensor) -> Tensor:
        centered = (z - self.mean).unsqueeze(2)
        noise = torch.linalg.solve_triangular(self.factor, centered, upper=False).squeeze(2)
        density: Tensor = -(0.5 * (noise**2 + LOG_TWO_PI) + self._log_diagonal).sum(1)
        return density

    def parameters(self) -> Mapping[str, Tensor]:
        """``mean`` (B, d), and ``factor`` L (B, d, d) of the covariance L Lᵀ."""
        return {"mean": self.mean, "factor": self.factor}

    def extremes(self) -> Mapping[str, float]:
        largest = 2 * self._log_diagonal.max().item()
        return {"the largest log-variance given the latents before on these images was": largest}


class FullCovarianceFamily(nn.Module):
    """Gaussians with a full covariance."""

    rows: Tensor
    columns: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.latent = latent
        rows, columns = torch.tril_indices(latent, latent, -1)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, parameters: Tensor) -> FullCovariance:
        """parameters (B, 2 d + d (d − 1) / 2): μ, s, L below its diagonal."""
        mean, raw, below = parameters.split(
            [self.latent, self.latent, parameters.shape[1] - 2 * self.latent], 1
        )
        log_diagonal = 0.5 * bounded_log_var(raw)
        flat = below.new_zeros(len(below), self.latent * self.latent)
        flat = flat.index_copy(1, self.rows * self.latent + self.columns, below)
        factor = flat.unflatten(1, (self.latent, self.latent)) + torch.diag_embed(
            log_diagonal.exp()
        )
        return FullCovariance(mean, log_diagonal, factor)

    def features(self, z: Tensor) -> Tensor:
        """z (B, latent) itself."""
        return z


class Laplace(LatentDistribution):
    """Independent Laplace latents: ``mean`` and ``log_scale``, each (B, *latent)."""

    def __init__(self, mean: Tensor, log_scale: Tensor) -> None:
        self._mean = mean
        self.log_scale = log_scale

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def variance(self) -> Tensor:
        return 2 * (2 * self.log_scale).exp()

    @property
    def entropy(self) -> Tensor:
        return 1 + math.log(2) + self.log_scale

    def sample(self, generator: torch.Generator) -> Tensor:
        """z = μ − b sign(u) log(1 − 2 |u|)."""
        uniform = torch.rand(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        centered = uniform - 0.5
        # |u| = ½ would give −∞: the smallest uniform draw is 0
        magnitude = torch.log1p(-2 * centered.abs().clamp(max=0.5 - 1e-7))
        return self.mean - self.log_scale.exp() * centered.sign() * magnitude

    def log_prob(self, z: Tensor) -> Tensor:
        distance = (z - self.mean).abs() / self.log_scale.exp()
        return -(distance + math.log(2) + self.log_scale).flatten(1).sum(1)

    def parameters(self) -> Mapping[str, Tensor]:
        """``mean`` and ``log_scale``, each (B, *latent)."""
        return {"mean": self.mean, "log_scale": self.log_scale}

    def extremes(self) -> Mapping[str, float]:
        return {"the largest log-scale on these images was": self.log_scale.max().item()}


class LaplaceFamily(nn.Module):
    """Laplace distributions with location μ and scale exp(s)."""

    def forward(self, parameters: Tensor) -> Laplace:
        """parameters (B, 2, *latent): μ and s."""
        mean, raw = parameters.unbind(1)
        return Laplace(mean, 0.5 * bounded_log_var(2 * raw))

    def features(self, z: Tensor) -> Tensor:
        """z (B, *latent) itself."""
        return z
