"""Modules of training objectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vaezoo.model import VAE


class ELBOObjective(nn.Module):
    """−E_q log p(x|z) + β · KL(q(z|x) || p(z)), with one draw of z per image."""

    def __init__(self, *, free_bits: bool) -> None:
        super().__init__()
        self._penalty = self._free_bits if free_bits else self._plain

    def forward(
        self,
        model: VAE,
        images: Tensor,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """images (B, C, H, W) in [0, 1] -> objective, reconstruction, kl, each (B,), nats."""
        posterior = model.posterior(images)
        z = posterior.sample(generator)
        reconstruction = -model.log_likelihood(images, z)
        by_dimension = model.prior.kl(posterior.mean, posterior.log_var)
        if by_dimension is None:  # no closed form: estimate it from the draw
            by_dimension = (posterior.log_prob(z) - model.prior.log_prob(z)).unsqueeze(1)
        kl = by_dimension.sum(1)
        penalty = self._penalty(by_dimension, kl, weights)
        return {
            "objective": reconstruction + weights["beta"] * penalty,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def _plain(self, by_dimension: Tensor, kl: Tensor, weights: Mapping[str, float]) -> Tensor:
        return kl

    def _free_bits(self, by_dimension: Tensor, kl: Tensor, weights: Mapping[str, float]) -> Tensor:
        # The floor applies to the batch mean (Kingma et al. 2016, eq. 15). Every example has the
        # same penalty, so the mean of the objective is that of the paper.
        floor = weights["free_bits"]
        return by_dimension.mean(0).clamp(min=floor).sum().expand_as(kl)
