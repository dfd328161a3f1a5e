"""Families of posteriors q(z|x)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vaezoo.registry import Component, Definition, Posterior
from vaezoo.registry.fields.tex import POSTERIOR
from vaezoo.registry.module_contracts import PosteriorModule, Shape


class DiagonalGaussianPosterior(Posterior, use="diagonal_gaussian"):
    """Independent normal latents, N(μ, σ²) (Kingma and Welling 2014).

    log σ² is kept between −30 and 20 with the gradient of values inside.
    """

    scale: Literal["exp", "softplus"] = Field(
        "exp",
        description="how σ is made of the encoder's output s: exp is exp(s / 2), softplus is "
        "log(1 + exp(s))",
    )

    @property
    def is_factorial(self) -> bool:
        return True

    @property
    def is_normal(self) -> bool:
        return True

    def encoder_output(self, latent: Shape) -> Shape:
        return (2, *latent)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, 2, *latent): μ and s."""
        from vaezoo.components.nets.posterior_nets import SoftplusGaussianFamily
        from vaezoo.model import DiagonalGaussianFamily

        return DiagonalGaussianFamily() if self.scale == "exp" else SoftplusGaussianFamily()

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{POSTERIOR} = \mathcal{{N}}(z;\,\mu_\phi(x),\,\mathrm{{diag}}\,\sigma_\phi^2(x))",
            r"$z = \mu + \sigma \odot \varepsilon$, $\varepsilon \sim \mathcal{N}(0, I)$",
        )


class FullCovariancePosterior(Posterior, use="full_covariance"):
    """Normal latents with a full covariance, N(μ, L Lᵀ) with L lower triangular.

    The diagonal of L is exp(s / 2), so that a new network starts near a diagonal Gaussian
    (Kingma and Welling 2019, arXiv:1906.02691, section 2.5.1).
    """

    def shape_problem(self, latent: Shape) -> str | None:
        if len(latent) > 1:
            return "a full covariance needs a vector of latents, not a grid"
        if latent[0] > 1024:
            return f"the covariance of {latent[0]:,} latents has {latent[0] ** 2:,} values"
        return None

    def encoder_output(self, latent: Shape) -> Shape:
        size = latent[0]
        return (2 * size + size * (size - 1) // 2,)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, 2 d + d (d − 1) / 2): μ, s and the rows of L below its diagonal."""
        from vaezoo.components.nets.posterior_nets import FullCovarianceFamily

        return FullCovarianceFamily(latent[0])

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{POSTERIOR} = \mathcal{{N}}(z;\,\mu_\phi(x),\,L_\phi(x) L_\phi(x)^\top)",
            r"$z = \mu + L\varepsilon$, $\varepsilon \sim \mathcal{N}(0, I)$",
        )


class LaplacePosterior(Posterior, use="laplace"):
    """Independent Laplace latents with location μ and scale exp(s)."""

    @property
    def is_factorial(self) -> bool:
        return True

    def encoder_output(self, latent: Shape) -> Shape:
        return (2, *latent)

    def build(self, latent: Shape) -> PosteriorModule:
        """(B, 2, *latent): μ and s."""
        from vaezoo.components.nets.posterior_nets import LaplaceFamily

        return LaplaceFamily()

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{POSTERIOR} = \prod_j \frac{{1}}{{2 b_j}} \exp\left(-|z_j - \mu_j| / b_j\right)",
            r"$z = \mu - b \odot \mathrm{sign}(u)\log(1 - 2|u|)$, $u$ uniform on $(-1/2, 1/2)$",
        )


COMPONENTS: list[type[Component]] = [
    DiagonalGaussianPosterior,
    FullCovariancePosterior,
    LaplacePosterior,
]
