"""The uniform prior of codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from vaezoo import LatentSpace, Prior

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import PriorModule


class UniformCodes(Prior, use="uniform_codes"):
    """Every code is equally likely: p(z) = K^−n for n latents of K codes.

    The KL of a posterior with entropy H is n log K − H.
    """

    supports: ClassVar[tuple[str, ...]] = ("code",)

    @property
    def is_factorial(self) -> bool:
        return True

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent), int64."""
        from vaezoo_discrete.codes import UniformCodesNet

        assert space.levels is not None
        return UniformCodesNet(space.shape, space.levels)
