"""Modules of the priors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaezoo.model import LatentDistribution
from vaezoo_flows.steps import Steps

_LOG_TWO_PI = math.log(2 * math.pi)


class MixtureNet(nn.Module):
    """Σ π_k N(μ_k, σ_k²)."""

    def __init__(self, components: int, latent: Sequence[int]) -> None:
        super().__init__()
        self.latent = tuple(latent)
        size = math.prod(latent)
        self.logits = nn.Parameter(torch.zeros(components))
        self.means = nn.Parameter(torch.randn(components, size))
        self.log_vars = nn.Parameter(torch.zeros(components, size))

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, *latent) -> (B,), nats."""
        squared = (z.flatten(1).unsqueeze(1) - self.means) ** 2 / self.log_vars.exp()
        each = -0.5 * (squared + self.log_vars + _LOG_TWO_PI).sum(2)
        return torch.logsumexp(each + torch.log_softmax(self.logits, 0), 1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent): a component each, then its Gaussian, by one row of draws."""
        size = self.means.shape[1]
        draws = torch.randn(count, 1 + size, generator=generator, device=generator.device)
        below = torch.softmax(self.logits, 0).cumsum(0)
        chosen = torch.searchsorted(below, torch.special.ndtr(draws[:, 0]))
        chosen = chosen.clamp(max=len(below) - 1)
        z = torch.addcmul(self.means[chosen], (0.5 * self.log_vars[chosen]).exp(), draws[:, 1:])
        shaped: Tensor = z.unflatten(1, self.latent)
        return shaped

    def kl(self, posterior: LatentDistribution) -> None:
        """None: no closed form."""


class FlowPriorNet(nn.Module):
    """A standard normal through the inverse of steps, so that the density takes one pass."""

    def __init__(
        self, latent: Sequence[int], steps: int, hidden: Sequence[int], *, passes: int | None
    ) -> None:
        super().__init__()
        self.latent = tuple(latent)
        self.steps = Steps(math.prod(latent), steps, hidden, passes=passes)

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, *latent) -> (B,), nats."""
        noise, log_det = self.steps.given().forward_with_log_det(z.flatten(1))
        return log_det - 0.5 * (noise**2 + _LOG_TWO_PI).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), on the generator's device."""
        size = math.prod(self.latent)
        noise = torch.randn(count, size, generator=generator, device=generator.device)
        z: Tensor = self.steps.given().inverse(noise).unflatten(1, self.latent)
        return z

    def kl(self, posterior: LatentDistribution) -> None:
        """None: no closed form."""
