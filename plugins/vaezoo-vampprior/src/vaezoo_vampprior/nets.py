"""The module of the prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vaezoo import ImageShape
from vaezoo.model import DiagonalGaussian, LatentDistribution


class VampPriorNet(nn.Module):
    """1/K Σ q(z|u_k), with pseudo-inputs u_k that are the sigmoid of parameters."""

    def __init__(self, components: int, latent: Sequence[int]) -> None:
        super().__init__()
        self.components = components
        self.latent = tuple(latent)

    def bind(self, image: ImageShape, posterior: Callable[[Tensor], LatentDistribution]) -> None:
        """Initialize the pseudo-inputs with weak noise and store the encoder."""
        noise = torch.randn(self.components, *image)
        self.logits = nn.Parameter(noise.sub_(2))
        self._posterior = posterior

    @property
    def pseudo_inputs(self) -> Tensor:
        """(K, C, H, W), in [0, 1]."""
        return torch.sigmoid(self.logits)

    def mixture(self) -> DiagonalGaussian:
        """The K components: mean and log-variance, each (K, *latent)."""
        found = self._posterior(self.pseudo_inputs)
        if not isinstance(found, DiagonalGaussian):
            raise TypeError(f"{type(found).__name__} is no diagonal Gaussian")
        return found

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, *latent) -> (B,), nats."""
        components = self.log_prob_of_components(z)
        return torch.logsumexp(components, 1) - math.log(self.components)

    def log_prob_of_components(self, z: Tensor) -> Tensor:
        """log q(z|u_k) of z (B, *latent) for each k: (B, K), nats.

        The square (z − μ)² / σ² is multiplied out, which leaves products of matrices in the place
        of B · K · latent differences. That loses digits where σ is small, so it is done in
        float64 on devices that have it.
        """
        mixture = self.mixture()
        wide = z.dtype if z.device.type == "mps" else torch.float64
        mean, log_var, points = (
            values.flatten(1).to(wide) for values in (mixture.mean, mixture.log_var, z)
        )
        precision = torch.exp(-log_var)
        squared = points.square() @ precision.T - 2 * points @ (mean * precision).T
        log_two_pi = math.log(2 * math.pi)
        constant = (mean.square() * precision + log_var).sum(1) + mean.shape[1] * log_two_pi
        log_probs: Tensor = -0.5 * (squared + constant)
        return log_probs.to(z.dtype)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), on the generator's device: a pseudo-input each, then its posterior.

        Both come from one row of normal draws, so that more samples begin with the same ones.
        """
        size = math.prod(self.latent)
        draws = torch.randn(count, 1 + size, generator=generator, device=generator.device)
        chosen = (torch.special.ndtr(draws[:, 0]) * self.components).long()
        chosen = chosen.clamp(max=self.components - 1)
        mixture = self.mixture()
        mean, log_var = mixture.mean[chosen], mixture.log_var[chosen]
        noise = draws[:, 1:].unflatten(1, self.latent)
        return torch.addcmul(mean, torch.exp(0.5 * log_var), noise)

    def kl(self, posterior: LatentDistribution) -> None:
        """None: no closed form; losses and metrics estimate it from draws of z."""
