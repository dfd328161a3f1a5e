"""Autoregressive and coupling steps, by zuko's masked networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from zuko.flows.autoregressive import MaskedAutoregressiveTransform


class Steps(nn.Module):
    """Affine steps, each on the latents in reverse order of the one before.

    ``passes`` is the number of groups of latents: one group per latent is autoregressive, two are
    a coupling.
    """

    def __init__(
        self,
        latent: int,
        steps: int,
        hidden: Sequence[int],
        *,
        context: int = 0,
        passes: int | None = None,
    ) -> None:
        super().__init__()
        device = torch.get_default_device()
        with torch.device("cpu"):  # zuko computes its masks, which other devices cannot
            order = torch.arange(latent)
            each = nn.ModuleList(
                MaskedAutoregressiveTransform(
                    latent,
                    context,
                    passes=passes,
                    order=order if step % 2 == 0 else order.flip(0),
                    hidden_features=tuple(hidden),
                )
                for step in range(steps)
            )
        self.each = each.to(device)

    def given(self, context: Tensor | None = None) -> ConditionedSteps:
        """The steps for contexts (B, H)."""
        return ConditionedSteps(self, context)


class ConditionedSteps:
    """Steps for one context per example."""

    def __init__(self, steps: Steps, context: Tensor | None) -> None:
        self._transforms = [step(context) for step in steps.each]

    def forward_with_log_det(self, z: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.zeros_like(z[:, 0])
        for transform in self._transforms:
            z, log_det = transform.call_and_ladj(z)
            total = total + log_det
        return z, total

    def inverse(self, z: Tensor) -> Tensor:
        for transform in reversed(self._transforms):
            z = transform.inv(z)
        return z
