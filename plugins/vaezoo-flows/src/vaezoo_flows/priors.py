"""Priors that are learned with the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo import LatentSpace, Prior
from vaezoo_flows.posteriors import Widths

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import PriorModule


class MixturePrior(Prior, use="mixture"):
    """Mixture of K diagonal Gaussians: weights, means and variances are learned.

    The KL is estimated from draws.
    """

    components: int = Field(10, ge=1, le=100_000, description="number of Gaussians, K")

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent)."""
        from vaezoo_flows.prior_nets import MixtureNet

        return MixtureNet(self.components, space.shape)


class RealNVPPrior(Prior, use="realnvp"):
    """Affine coupling layers on a standard normal (Dinh et al. 2017, arXiv:1605.08803).

    Half of the latents scale and shift the other half; the halves change after every step. The KL
    is estimated from draws.
    """

    steps: int = Field(4, ge=1, le=100, description="number of coupling layers")
    hidden: Widths = Field((128, 128), description="widths of the hidden layers of each step")

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent)."""
        from vaezoo_flows.prior_nets import FlowPriorNet

        return FlowPriorNet(space.shape, self.steps, self.hidden, passes=2)


class MAFPrior(Prior, use="maf"):
    """Masked autoregressive flow on a standard normal (Papamakarios et al. 2017,
    arXiv:1705.07057).

    A draw takes one pass per latent and step. The KL is estimated from draws.
    """

    steps: int = Field(3, ge=1, le=100, description="number of autoregressive steps")
    hidden: Widths = Field((128, 128), description="widths of the hidden layers of each step")

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent)."""
        from vaezoo_flows.prior_nets import FlowPriorNet

        return FlowPriorNet(space.shape, self.steps, self.hidden, passes=None)
