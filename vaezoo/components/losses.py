"""Training objectives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from vaezoo.registry import Component, Definition, Loss
from vaezoo.registry.fields import NonNegative, Schedule
from vaezoo.registry.fields.tex import DIVERGENCE, LOG_LIKELIHOOD, setting
from vaezoo.registry.module_contracts import LossModule


class ELBOLoss(Loss, use="elbo"):
    """Negative evidence lower bound, −E log p(x|z) + β · KL(q(z|x) || p(z)), with one draw of z.

    β = 1 is the VAE (Kingma and Welling 2014), β > 1 the β-VAE (Higgins et al. 2017). Free bits
    replace the KL of each latent dimension, averaged over the batch, by at least ``free_bits``
    nats in the objective (Kingma et al. 2016, arXiv:1606.04934, equation 15), which keeps
    dimensions from collapsing early. ``kl: sampled`` replaces the closed form of the KL term by
    log q(z|x) − log p(z) at the draw of z, which has the same mean and more noise; free bits then
    apply to the sum over latents.
    """

    beta: NonNegative = Field(1.0, description="weight of the KL term")
    free_bits: NonNegative = Field(
        0.0, description="minimum KL of each latent dimension in the objective, in nats"
    )

    kl: Literal["closed", "sampled"] = Field(
        "closed", description="the KL term: in closed form if there is one, or by the draw of z"
    )

    @model_serializer(mode="wrap")
    def _omit_closed(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit the default of ``kl``, which older canonical specs do not have."""
        data: dict[str, Any] = handler(self)
        return {name: v for name, v in data.items() if (name, v) != ("kl", "closed")}

    @property
    def kl_weight(self) -> str:
        return "beta"

    @property
    def draws(self) -> int:
        return 1

    def build(self) -> LossModule:
        """Per-example terms: objective, reconstruction, kl."""
        from vaezoo.components.nets.objectives import ELBOObjective

        return ELBOObjective(free_bits=self.free_bits != 0, sampled=self.kl == "sampled")

    def formula(self) -> Definition:
        factor, penalty, clauses = "", DIVERGENCE, []
        if self.kl == "sampled":
            clauses.append("the KL estimated with the same draw of $z$")
        if self.beta != 1:
            factor = r"\beta\,"
            clauses.append(setting(r"\beta", self.beta))
        if self.free_bits != 0:
            penalty = r"\sum_j \max\left(\lambda,\; \overline{\mathrm{KL}}_j\right)"
            bits = setting(r"\lambda", self.free_bits)
            clauses.append(
                r"$\overline{\mathrm{KL}}_j$ a dimension's KL averaged over the batch, " + bits
            )
        tex = rf"\mathcal{{L}}(x) = -{LOG_LIKELIHOOD} \;+\; {factor}{penalty}"
        return Definition(tex, ", ".join(clauses))

    def relation(self, is_bound: bool) -> str:
        if self.free_bits == 0 and self.beta == 1:
            return "In expectation this is the negative ELBO."
        if self.free_bits == 0 and isinstance(self.beta, Schedule) and self.beta.ends[1] == 1:
            return r"Once $\beta$ has come to 1, this is the negative ELBO in expectation."
        if self.free_bits != 0 or isinstance(self.beta, Schedule):
            return (
                r"With $\beta = 1$ and no free bits this would be the negative ELBO in expectation."
            )
        if self.beta == 0:
            return "Nothing holds the posterior to the prior: this is the reconstruction alone."
        side = "above" if self.beta > 1 else "below"
        bound = "is still an upper bound on" if self.beta > 1 else "is not an upper bound on"
        held = rf" and {bound} $-\log p_\theta(x)$" if is_bound else ""
        return (
            r"In expectation this is $-\mathrm{ELBO}(x) + (\beta - 1)\,\mathrm{KL}$, which lies "
            f"{side} the negative ELBO{held} (Higgins et al. 2017)."
        )

    def tradeoff(self) -> str:
        if self.free_bits != 0:
            return ""
        return (
            r"The objective is $D + \beta R$: where it is least, one nat of rate buys $\beta$ nats "
            r"of distortion, $dD/dR = -\beta$."
        )


COMPONENTS: list[type[Component]] = [ELBOLoss]
