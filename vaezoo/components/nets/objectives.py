"""Modules of training objectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import Batch


class ELBOObjective(nn.Module):
    """−E_q log p(x|z) + β · KL(q(z|x) || p(z)), with one draw of z per image."""

    def __init__(self, *, free_bits: bool, sampled: bool = False) -> None:
        """``sampled`` replaces a closed KL by log q(z|x) − log p(z) at the draw."""
        super().__init__()
        self._sampled = sampled
        self._penalty = self._free_bits if free_bits else self._plain

    def forward(
        self,
        model: VAE,
        batch: Batch,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """A batch of images in [0, 1] -> objective, reconstruction, kl, each (B,), nats."""
        trace = model.trace(batch, generator)
        reconstruction = trace.reconstruction
        by_draw = self._sampled
        by_dimension = (trace.log_q - trace.log_p).T if by_draw else trace.kl_by_dimension
        kl = by_dimension.sum(1)
        penalty = self._penalty(by_dimension, kl, weights)
        objective = reconstruction + weights["beta"] * penalty
        if trace.penalty is not None:
            objective = objective + trace.penalty
        return {"objective": objective, "reconstruction": reconstruction, "kl": kl}

    def _plain(self, by_dimension: Tensor, kl: Tensor, weights: Mapping[str, float]) -> Tensor:
        return kl

    def _free_bits(self, by_dimension: Tensor, kl: Tensor, weights: Mapping[str, float]) -> Tensor:
        # The floor applies to the batch mean (Kingma et al. 2016, eq. 15). Every example has the
        # same penalty, so the mean of the objective is that of the paper. It applies to the sum
        # over latents where only that is known.
        floor = weights["free_bits"]
        return by_dimension.mean(0).clamp(min=floor).sum().expand_as(kl)
