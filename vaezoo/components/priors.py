"""Priors over the latents, p(z)."""

from __future__ import annotations

from vaezoo.registry import Component, Prior
from vaezoo.registry.contracts import PriorModule


class StandardNormal(Prior, use="standard_normal"):
    """N(0, I). Its KL divergence from a diagonal Gaussian is closed:
    ½ Σ (μ² + σ² − 1 − log σ²) (Kingma and Welling 2014, appendix B)."""

    def build(self, latent: int) -> PriorModule:
        """z (B, latent)."""
        from vaezoo.components.nets.priors import StandardNormalNet

        return StandardNormalNet(latent)


COMPONENTS: list[type[Component]] = [StandardNormal]
