"""Inference upward, generation downward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaezoo.model import Inference, LatentDistribution, Site, repeated
from vaezoo.model.single_site import stopped
from vaezoo_ladder.networks import GaussianNet, MakeActivation

if TYPE_CHECKING:
    from vaezoo import VAE


class LadderNet(nn.Module):
    """Layers z₁ … z_L: q(z₁|x) Π q(zᵢ₊₁|zᵢ) and p(z_L) Π p(zᵢ|zᵢ₊₁)."""

    def __init__(
        self, latents: Sequence[int], hidden: Sequence[int], activation: MakeActivation
    ) -> None:
        super().__init__()
        self.up = nn.ModuleList(
            GaussianNet(below, hidden, above, activation) for below, above in pairwise(latents)
        )
        self.down = nn.ModuleList(
            GaussianNet(above, hidden, below, activation) for below, above in pairwise(latents)
        )

    def posterior(self, model: VAE, encoded: Tensor) -> LatentDistribution:
        """q(z₁|x)."""
        return model.family(encoded)

    def infer(
        self, model: VAE, encoded: Tensor, generator: torch.Generator, samples: int
    ) -> Inference:
        """``samples`` draws of every layer for each example."""
        each = model.family(encoded)
        posteriors = [each if samples == 1 else model.family(repeated(encoded, samples))]
        draws = [posteriors[0].sample(generator)]
        for network in self.up:
            posteriors.append(network(draws[-1]))
            draws.append(posteriors[-1].sample(generator))
        priors = [network(above) for network, above in zip(self.down, draws[1:], strict=True)]
        # z₁ and the draw of z₂ that its prior is given depend on each other
        sites = [
            Site(f"z{number}", z, posterior, prior, estimated=True)
            for number, (z, posterior, prior) in enumerate(
                zip(draws, posteriors, priors, strict=False), 1
            )
        ]
        sites[0] = replace(sites[0], stopped=lambda: stopped(model, encoded, samples))
        top = Site(f"z{len(draws)}", draws[-1], posteriors[-1], model.prior)
        return Inference((*sites, top), posteriors[0].features(draws[0]), each.penalties())

    def sample(self, model: VAE, count: int, generator: torch.Generator) -> Tensor:
        """z₁, drawn from the top down."""
        z = model.prior.sample(count, generator)
        for network in reversed(self.down):
            z = network(z).sample(generator)
        return z
