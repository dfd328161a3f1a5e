"""Inference and generation downward, after a deterministic pass upward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaezoo.model import DiagonalGaussian, Inference, LatentDistribution, Site, repeated
from vaezoo_ladder.networks import GaussianNet, MakeActivation, hidden_layers

if TYPE_CHECKING:
    from vaezoo import VAE


class TopDownNet(nn.Module):
    """Layers z₁ … z_L; layer i has q(zᵢ|x, z above) and p(zᵢ|z above)."""

    def __init__(
        self,
        latents: Sequence[int],
        hidden: Sequence[int],
        features: int,
        activation: MakeActivation,
        *,
        skip: bool,
    ) -> None:
        super().__init__()
        self.skip = skip
        inputs = [features, *[hidden[-1]] * (len(latents) - 1)]
        #: deterministic layers, bottom to top
        self.up = nn.ModuleList(hidden_layers(width, hidden, activation) for width in inputs)
        #: what the image says of each layer
        self.likelihoods = nn.ModuleList(nn.Linear(hidden[-1], 2 * size) for size in latents)
        above = [
            sum(latents[layer + 1 :]) if skip else latents[layer + 1]
            for layer in range(len(latents) - 1)
        ]
        #: the prior of each layer below the top one
        self.down = nn.ModuleList(
            GaussianNet(width, hidden, size, activation)
            for width, size in zip(above, latents, strict=False)
        )

    def posterior(self, model: VAE, encoded: Tensor) -> LatentDistribution:
        """q(z₁|x, z above), with the layers above at their posterior means."""
        said = self._said(encoded)
        found: DiagonalGaussian = said[-1]
        means = [found.mean]
        for layer in range(len(said) - 2, -1, -1):
            found = _product(said[layer], self.down[layer](self._given(means)))
            means.append(found.mean)
        return found

    def infer(
        self, model: VAE, encoded: Tensor, generator: torch.Generator, samples: int
    ) -> Inference:
        """``samples`` draws of every layer for each example, top to bottom."""
        said = self._said(repeated(encoded, samples))
        top = said[-1]
        draws = [top.sample(generator)]
        each = self._said(encoded)[-1] if samples > 1 else top
        sites = [Site(f"z{len(said)}", draws[0], top, model.prior, each)]
        for layer in range(len(said) - 2, -1, -1):
            prior = self.down[layer](self._given(draws))
            posterior = _product(said[layer], prior)
            draws.append(posterior.sample(generator))
            sites.append(Site(f"z{layer + 1}", draws[-1], posterior, prior))
        return Inference(tuple(reversed(sites)), draws[-1])

    def sample(self, model: VAE, count: int, generator: torch.Generator) -> Tensor:
        """z₁, drawn from the top down."""
        draws = [model.prior.sample(count, generator)]
        for layer in range(len(self.down) - 1, -1, -1):
            draws.append(self.down[layer](self._given(draws)).sample(generator))
        return draws[-1]

    def _said(self, encoded: Tensor) -> list[DiagonalGaussian]:
        """A Gaussian for each layer, bottom to top, from the image alone."""
        found = []
        for up, likelihood in zip(self.up, self.likelihoods, strict=True):
            encoded = up(encoded)
            mean, log_var = likelihood(encoded).chunk(2, 1)
            found.append(DiagonalGaussian(mean, log_var.clamp(-15, 15)))
        return found

    def _given(self, draws: Sequence[Tensor]) -> Tensor:
        """The layers above, top first: all of them, or the next."""
        return torch.cat(list(draws), 1) if self.skip else draws[-1]


def _product(one: DiagonalGaussian, other: DiagonalGaussian) -> DiagonalGaussian:
    """The normalized product of two Gaussians: precisions add, means are weighted by them."""
    log_var = -torch.logaddexp(-one.log_var, -other.log_var)
    share = torch.sigmoid(other.log_var - one.log_var)
    return DiagonalGaussian(other.mean + share * (one.mean - other.mean), log_var)
