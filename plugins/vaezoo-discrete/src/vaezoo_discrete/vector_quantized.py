"""Codebooks that learn by gradient or by moving averages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vaezoo_discrete.codes import Certain


def nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """The index of the nearest row of ``codebook`` (K, D) for vectors (M, D): (M,), int64."""
    with torch.no_grad():
        distances = codebook.square().sum(1) - 2 * vectors @ codebook.T
        return distances.argmin(1)


class Codebook(nn.Module):
    """K codes of D numbers, and the straight-through gradient."""

    codebook: Tensor

    def __init__(self, commitment: float) -> None:
        super().__init__()
        self.commitment = commitment

    def forward(self, parameters: Tensor) -> Certain:
        """parameters (B, D, *latent)."""
        vectors = parameters.movedim(1, -1)
        codes = nearest(vectors.flatten(0, -2), self.codebook).view(vectors.shape[:-1])
        found = self.features(codes)
        straight = parameters + (found - parameters).detach()
        distance = (parameters - found.detach()).square().flatten(1).sum(1)
        penalties = {"commitment": self.commitment * distance, **self.learn(parameters, found)}
        if self.training:
            self.follow(vectors.flatten(0, -2).detach(), codes.flatten())
        return Certain(codes, straight, self.features, penalties)

    def features(self, z: Tensor) -> Tensor:
        """Codes (B, *latent) -> vectors (B, D, *latent)."""
        return self.codebook[z].movedim(-1, 1)

    def learn(self, parameters: Tensor, found: Tensor) -> dict[str, Tensor]:
        """Penalties that move the codes."""
        return {}

    def follow(self, vectors: Tensor, codes: Tensor) -> None:
        """Move the codes after the vectors (M, D) of a batch and their codes (M,)."""


class GradientCodebook(Codebook):
    """Codes that the gradient of their distance moves (equation 3)."""

    def __init__(self, codes: int, dimensions: int, commitment: float) -> None:
        super().__init__(commitment)
        self.codebook = nn.Parameter(torch.empty(codes, dimensions).uniform_(-1 / codes, 1 / codes))

    def learn(self, parameters: Tensor, found: Tensor) -> dict[str, Tensor]:
        distance = (parameters.detach() - found).square().flatten(1).sum(1)
        return {"codebook": distance}


class EMACodebook(Codebook):
    """Codes that are the moving average of the vectors assigned to them."""

    count: Tensor
    total: Tensor

    def __init__(
        self, codes: int, dimensions: int, commitment: float, decay: float, reset_below: float
    ) -> None:
        super().__init__(commitment)
        self.decay = decay
        self.reset_below = reset_below
        start = torch.randn(codes, dimensions) / dimensions**0.5
        self.register_buffer("codebook", start)
        self.register_buffer("count", torch.ones(codes))
        self.register_buffer("total", start.clone())

    @torch.no_grad()
    def follow(self, vectors: Tensor, codes: Tensor) -> None:
        assigned = torch.zeros(len(codes), len(self.count), device=codes.device)
        assigned.scatter_(1, codes.unsqueeze(1), 1.0)
        self.count.lerp_(assigned.sum(0), 1 - self.decay)
        self.total.lerp_(assigned.T @ vectors, 1 - self.decay)
        # Codes that are hardly used move onto vectors spread evenly over the batch.
        dead = self.count < self.reset_below * self.count.mean()
        rows = torch.arange(len(self.count), device=codes.device) * len(vectors) // len(self.count)
        self.total.copy_(torch.where(dead.unsqueeze(1), vectors[rows], self.total))
        self.count.copy_(torch.where(dead, torch.ones_like(self.count), self.count))
        self.codebook.copy_(self.total / self.count.unsqueeze(1))
