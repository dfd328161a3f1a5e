"""Codes without uncertainty, and their uniform prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from vaezoo.model import LatentDistribution


class Certain(LatentDistribution):
    """All probability on one code per latent.

    ``codes`` (B, *latent) is int64; ``embedded`` (B, D, *latent) is what the decoder receives for
    them, with a gradient to the encoder. ``embed`` gives it for any codes.
    """

    def __init__(
        self,
        codes: Tensor,
        embedded: Tensor,
        embed: Callable[[Tensor], Tensor],
        penalties: Mapping[str, Tensor],
    ) -> None:
        self.codes = codes
        self._embedded = embedded
        self._embed = embed
        self._penalties = penalties

    @property
    def mean(self) -> Tensor:
        """The codes."""
        return self.codes

    @property
    def entropy(self) -> Tensor:
        return torch.zeros_like(self.codes, dtype=self._embedded.dtype)

    def sample(self, generator: torch.Generator) -> Tensor:
        return self.codes

    def log_prob(self, z: Tensor) -> Tensor:
        """0 for its codes, −∞ for others: (B,)."""
        differ = (z != self.codes).flatten(1).any(1)
        zero = torch.zeros(len(z), dtype=self._embedded.dtype, device=z.device)
        return zero.masked_fill(differ, -math.inf)

    def features(self, z: Tensor) -> Tensor:
        return self._embedded if z is self.codes else self._embed(z)

    def penalties(self) -> Mapping[str, Tensor]:
        return self._penalties


class UniformCodesNet(nn.Module):
    """p(z) = K^−n."""

    def __init__(self, latent: Sequence[int], codes: int) -> None:
        super().__init__()
        self.latent = tuple(latent)
        self.codes = codes

    def log_prob(self, z: Tensor) -> Tensor:
        """z (B, *latent), int64 -> (B,), nats."""
        value = -math.prod(self.latent) * math.log(self.codes)
        return torch.full((len(z),), value, device=z.device)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent), int64, on the generator's device."""
        shape = (count, *self.latent)
        uniform = torch.rand(shape, generator=generator, device=generator.device)
        return (uniform * self.codes).long().clamp(max=self.codes - 1)

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        """log K − H of each latent: (B, n), nats."""
        entropy = posterior.entropy
        return None if entropy is None else (math.log(self.codes) - entropy).flatten(1)
