"""Posteriors that a flow makes of a diagonal Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from vaezoo import Definition, Posterior

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import PosteriorModule, Shape

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]
_DENSITY = r"\log q_\phi(z\mid x) = \log \mathcal{N}(z_0;\,\mu,\,\mathrm{diag}\,\sigma^2)"


def vector_problem(latent: Shape) -> str | None:
    """Why a flow has no latents of this shape, else None."""
    return None if len(latent) == 1 else "a flow needs a vector of latents, not a grid"


class PlanarPosterior(Posterior, use="planar"):
    """Planar flow: z ← z + u tanh(wᵀz + b), with u, w and b from the encoder.

    Rezende and Mohamed 2015, arXiv:1505.05770, equations 10 to 12; u is moved so that every layer
    is invertible (appendix A.1). The KL is estimated from draws.
    """

    layers: int = Field(10, ge=1, le=1000, description="number of planar layers")

    def shape_problem(self, latent: Shape) -> str | None:
        return vector_problem(latent)

    def encoder_output(self, latent: Shape) -> Shape:
        size = latent[0]
        return (2 * size + self.layers * (2 * size + 1),)

    def build(self, latent: Shape) -> PosteriorModule:
        """μ and log σ² of z₀, then u, w and b of each layer."""
        from vaezoo_flows.posterior_nets import PlanarFamily

        return PlanarFamily(latent[0], self.layers)

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{_DENSITY} - \sum_{{t=1}}^{{{self.layers}}} \log\left|1 + u_t^\top \psi_t\right|",
            rf"$z$ the output of {self.layers} planar layers on $z_0$",
        )


class IAFPosterior(Posterior, use="iaf"):
    """Inverse autoregressive flow with a context from the encoder.

    Each step is z ← exp(a(z, h)) ⊙ z + b(z, h), where a and b of a latent depend on the latents
    before it and on the context h (Kingma et al. 2016, arXiv:1606.04934). The order of the latents
    is reversed after every step. The density of other points than its own draws takes as many
    passes as there are latents. The KL is estimated from draws.
    """

    steps: int = Field(2, ge=1, le=100, description="number of autoregressive steps")
    hidden: Widths = Field((320,), description="widths of the hidden layers of each step")
    context: int = Field(64, ge=1, le=65536, description="width of the context h")

    def shape_problem(self, latent: Shape) -> str | None:
        return vector_problem(latent)

    def encoder_output(self, latent: Shape) -> Shape:
        return (2 * latent[0] + self.context,)

    def build(self, latent: Shape) -> PosteriorModule:
        """μ and log σ² of z₀, then h."""
        from vaezoo_flows.posterior_nets import IAFFamily

        return IAFFamily(latent[0], self.steps, self.hidden, self.context)

    def formula(self, latent: int) -> Definition:
        return Definition(
            rf"{_DENSITY} - \sum_{{t=1}}^{{{self.steps}}} \sum_{{j=1}}^{{{latent}}} a_{{t,j}}",
            rf"$z$ the output of {self.steps} autoregressive steps on $z_0$",
        )
