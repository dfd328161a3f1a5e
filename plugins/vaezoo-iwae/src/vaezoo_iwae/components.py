"""The component ``iwae``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from vaezoo import Definition, Loss

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import LossModule


class IWAELoss(Loss, use="iwae"):
    """Negative importance-weighted bound, −log 1/K Σ p(x, z_k) / q(z_k|x), z_k ~ q(z|x).

    With K = 1 it is the ELBO; it lies closer to log p(x) the larger K is (Burda, Grosse and
    Salakhutdinov 2016, arXiv:1509.00519). The encoder's gradient is the doubly reparameterised
    one (Tucker et al. 2019, arXiv:1810.04152). ``standard`` is the plain one, which drowns in
    noise as K grows (Rainforth et al. 2018, arXiv:1802.04537). The reconstruction and KL terms,
    and with them the ELBO, are those of the posterior itself, by all K samples.
    """

    samples: int = Field(5, ge=1, le=10_000, description="draws of z per image, K")
    gradient: Literal["dreg", "standard"] = Field(
        "dreg", description="estimator of the encoder's gradient"
    )

    @property
    def draws(self) -> int:
        return self.samples

    def formula(self) -> Definition:
        bound = r"\frac{1}{K} \sum_{k=1}^{K} \frac{p_\theta(x\mid z_k)\,p(z_k)}{q_\phi(z_k\mid x)}"
        return Definition(rf"\mathcal{{L}}(x) = -\log {bound}", f"$K = {self.samples}$")

    def relation(self, is_bound: bool) -> str:
        if self.samples == 1:
            return "In expectation this is the negative ELBO."
        return "In expectation this lies below the negative ELBO, the further the larger $K$ is."

    def tradeoff(self) -> str:
        if self.samples == 1:
            return ""
        return "The objective is the importance-weighted bound, which is not a sum of $R$ and $D$."

    def build(self) -> LossModule:
        """Per-example terms: objective, reconstruction, kl."""
        from vaezoo_iwae import objectives

        makers = {
            "dreg": objectives.DoublyReparameterised,
            "standard": objectives.ImportanceWeighted,
        }
        return makers[self.gradient](self.samples)
