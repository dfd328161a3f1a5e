"""Training objectives."""

from __future__ import annotations

from pydantic import Field

from vaezoo.fields import NonNegative
from vaezoo.registry import Component, Loss
from vaezoo.registry.contracts import LossModule


class ELBOLoss(Loss, use="elbo"):
    """The negative evidence lower bound, −E log p(x|z) + β · KL(q(z|x) || p(z)), one sample.

    β = 1 is the VAE (Kingma and Welling 2014); β above 1 the β-VAE (Higgins et al. 2017).
    Free bits hold the KL of each latent dimension, averaged over the batch, to a least value
    in the objective (Kingma et al. 2016, arXiv:1606.04934), so that none is given up early.
    """

    beta: NonNegative = Field(1.0, description="weight of the KL term, a number or a schedule")
    free_bits: NonNegative = Field(
        0.0, description="nats of KL a latent dimension that cost nothing, a number or a schedule"
    )

    @property
    def kl_weight(self) -> str:
        return "beta"

    def build(self) -> LossModule:
        """Per-example terms: objective, reconstruction, kl."""
        from vaezoo.components.nets.objectives import ELBOObjective

        return ELBOObjective(free_bits=self.free_bits != 0)


COMPONENTS: list[type[Component]] = [ELBOLoss]
