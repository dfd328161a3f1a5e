"""Distributions of latents: the base class and the diagonal Gaussian."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

#: Bounds of log σ², so that exp is finite in float32 and bfloat16. Useful posteriors are far from
#: them (σ between 3e-7 and 2e4).
LOG_VAR_BOUNDS = (-30.0, 20.0)
LOG_TWO_PI = math.log(2 * math.pi)


class LatentDistribution(ABC):
    """A distribution of latents for each of B examples, such as q(z|x).

    A family that knows ``entropy`` and ``variance`` has a closed KL to every Gaussian.
    """

    @property
    @abstractmethod
    def mean(self) -> Tensor:
        """The mean, or the most likely codes: (B, *latent). Used to embed and reconstruct."""

    @abstractmethod
    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw per example, (B, *latent), with gradients if the family has them."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """The log-density of z (B, *latent): (B,), nats."""

    @property
    def variance(self) -> Tensor | None:
        """The variance of each latent, (B, *latent); None if unknown."""
        return None

    @property
    def entropy(self) -> Tensor | None:
        """The entropy, (B, *latent), nats; None if unknown.

        The sum over latents is that of z. Where latents depend on each other, each value is the
        entropy of a latent given those before it.
        """
        return None

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        """KL(posterior || this distribution) in closed form, (B, D), nats; else None."""
        return None

    def features(self, z: Tensor) -> Tensor:
        """The decoder's input for draws z of this distribution; z itself by default.

        A discrete family returns embeddings, with a gradient to the encoder.
        """
        return z

    def parameters(self) -> Mapping[str, Tensor]:
        """The tensors that describe it, by name, each (B, …): what an exported encoder returns.

        By default ``mean`` alone, under the name ``codes`` where it is integers.
        """
        mean = self.mean
        return {"mean" if mean.is_floating_point() else "codes": mean}

    def penalties(self) -> Mapping[str, Tensor]:
        """Terms to add to the objective, such as a commitment loss: each (B,), weighted."""
        return {}

    def extremes(self) -> Mapping[str, float]:
        """Values that explain a divergence, by their names in a sentence."""
        return {}


class DiagonalGaussian(LatentDistribution):
    """N(mean, exp(log_var)) with independent latents (Kingma and Welling 2014).

    ``mean`` and ``log_var`` are (B, *latent).
    """

    def __init__(self, mean: Tensor, log_var: Tensor) -> None:
        self._mean = mean
        self.log_var = log_var

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def variance(self) -> Tensor:
        return self.log_var.exp()

    @property
    def entropy(self) -> Tensor:
        return 0.5 * (1 + LOG_TWO_PI + self.log_var)

    def sample(self, generator: torch.Generator) -> Tensor:
        """z = μ + σ ε."""
        noise = torch.randn(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise)

    def log_prob(self, z: Tensor) -> Tensor:
        squared = (z - self.mean) ** 2 / torch.exp(self.log_var)
        return -0.5 * (squared + self.log_var + LOG_TWO_PI).flatten(1).sum(1)

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        """KL of any distribution whose variance and entropy are known."""
        variance, entropy = posterior.variance, posterior.entropy
        if variance is None or entropy is None:
            return None
        squared = ((posterior.mean - self.mean) ** 2 + variance) / torch.exp(self.log_var)
        return (0.5 * (squared + self.log_var + LOG_TWO_PI) - entropy).flatten(1)

    def parameters(self) -> Mapping[str, Tensor]:
        """``mean`` and ``log_var``, each (B, *latent)."""
        return {"mean": self.mean, "log_var": self.log_var}

    def extremes(self) -> Mapping[str, float]:
        return {"the largest log-variance on these images was": self.log_var.max().item()}


def bounded_log_var(log_var: Tensor) -> Tensor:
    """Keep log σ² within its bounds; the gradient outside them is as inside."""
    return log_var + (log_var.clamp(*LOG_VAR_BOUNDS) - log_var).detach()


class DiagonalGaussianFamily(nn.Module):
    """Diagonal Gaussians with mean and log σ²."""

    def forward(self, parameters: Tensor) -> DiagonalGaussian:
        """parameters (B, 2, *latent): mean and log σ²."""
        mean, log_var = parameters.unbind(1)
        return DiagonalGaussian(mean, bounded_log_var(log_var))

    def features(self, z: Tensor) -> Tensor:
        """z (B, *latent) itself."""
        return z
