"""Topologies of two and more stochastic layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from vaezoo import Activation, LatentSpace, Posterior, Topology

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import Shape, TopologyModule

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]


def _vector_problem(latent: Shape) -> str | None:
    return None if len(latent) == 1 else "its layers need a vector of latents, not a grid"


class LadderTopology(Topology, use="ladder"):
    """Layers above the latent of the spec: q(z₂|z₁) upward, p(z₁|z₂) downward.

    z₁ is the latent of the spec, with the posterior of the spec. Each further layer is a diagonal
    Gaussian given the layer below in inference, and each layer below the top one is a diagonal
    Gaussian given the layer above in generation (Burda et al. 2016, arXiv:1509.00519, section
    5). The prior of the spec is that of the top layer.
    """

    layers: Widths = Field((50,), description="latents of each further layer, bottom to top")
    hidden: Widths = Field((100, 100), description="widths of the networks between two layers")
    activation: Activation = Field(
        "tanh", validate_default=True, description="activation after each hidden layer"
    )

    def problem(self, posterior: Posterior, latent: Shape) -> str | None:
        support = posterior.space(latent).support
        if support != "real":
            return f"its layers need real latents, and {posterior.use} has {support} ones"
        return _vector_problem(latent)

    def prior_space(self, posterior: Posterior, latent: Shape) -> LatentSpace:
        return LatentSpace((self.layers[-1],))

    def build(self, posterior: Posterior, latent: Shape) -> TopologyModule:
        """Networks between layers."""
        from vaezoo_ladder.ladder import LadderNet

        return LadderNet((latent[0], *self.layers), self.hidden, self.activation.build)


class TopDownTopology(Topology, use="top_down"):
    """Top-down inference: each layer's posterior combines the image with the layers above.

    Deterministic layers go up from the encoder's output. The posterior of a layer is the product
    of what they say of it and of its prior given the layer above, weighted by precision (Sønderby
    et al. 2016, arXiv:1602.02282, equations 7 to 9). With ``skip``, every layer below the top one
    depends on all layers above it, not only on the next. The decoder receives the bottom layer,
    which has the latents of the spec.
    """

    layers: Widths = Field((16,), description="latents of each further layer, bottom to top")
    hidden: Widths = Field((128,), description="widths of the networks between two layers")
    features: int = Field(256, ge=1, le=65536, description="width of the encoder's output")
    skip: bool = Field(True, description="whether a layer depends on all layers above it")
    activation: Activation = Field(
        "leaky_relu", validate_default=True, description="activation after each hidden layer"
    )

    def problem(self, posterior: Posterior, latent: Shape) -> str | None:
        if not posterior.is_normal:
            return f"it multiplies diagonal Gaussians, and {posterior.use} is not one"
        return _vector_problem(latent)

    def encoder_output(self, posterior: Posterior, latent: Shape) -> Shape:
        return (self.features,)

    def prior_space(self, posterior: Posterior, latent: Shape) -> LatentSpace:
        return LatentSpace((self.layers[-1],))

    def build(self, posterior: Posterior, latent: Shape) -> TopologyModule:
        """Networks between layers, upward and downward."""
        from vaezoo_ladder.top_down import TopDownNet

        return TopDownNet(
            (latent[0], *self.layers),
            self.hidden,
            self.features,
            self.activation.build,
            skip=self.skip,
        )
