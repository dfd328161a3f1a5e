"""Priors p(z)."""

from __future__ import annotations

from vaezoo.registry import Component, Definition, LatentSpace, Prior
from vaezoo.registry.fields.tex import DIVERGENCE
from vaezoo.registry.module_contracts import PriorModule


class StandardNormal(Prior, use="standard_normal"):
    """Standard normal prior, N(0, I).

    The KL divergence of a diagonal Gaussian from it is ½ Σ (μ² + σ² − 1 − log σ²) (Kingma and
    Welling 2014, appendix B).
    """

    @property
    def is_factorial(self) -> bool:
        return True

    @property
    def is_normal(self) -> bool:
        return True

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent)."""
        from vaezoo.components.nets.prior_nets import StandardNormalNet

        return StandardNormalNet(space.shape)

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{DIVERGENCE} = \frac{{1}}{{2}}\sum_{{j=1}}^{{{latent}}}"
            r"\left(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2\right)",
            r"$p(z) = \mathcal{N}(z;\, 0, I)$, for which the KL term has a closed form",
        )


COMPONENTS: list[type[Component]] = [StandardNormal]
