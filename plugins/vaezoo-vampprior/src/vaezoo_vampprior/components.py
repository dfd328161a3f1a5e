"""The components ``vampprior`` and ``pseudo_inputs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo import Definition, EvaluationContext, Prior, Visualizer
from vaezoo.registry import Posterior
from vaezoo.registry.module_contracts import LatentSpace

if TYPE_CHECKING:
    import matplotlib.figure

    from vaezoo.registry.module_contracts import PriorModule
    from vaezoo.spec import Spec


class VampPrior(Prior, use="vampprior"):
    """Mixture of the model's own posteriors: p(z) = 1/K Σ q(z|u_k).

    The K pseudo-inputs u_k are images that are learned with the model and seen through its
    encoder (Tomczak and Welling 2018, arXiv:1705.07120, equation 9). There is no closed form of
    the KL divergence: it is estimated from the samples of z, and not for each dimension.
    """

    components: int = Field(500, ge=1, le=100_000, description="number of pseudo-inputs, K")

    def formula(self, latent: int) -> Definition:
        prior = r"\frac{1}{K} \sum_{k=1}^{K} q_\phi(z\mid u_k)"
        return Definition(
            r"\mathrm{KL}\left(q_\phi(z\mid x)\,\Vert\,p(z)\right) \approx "
            r"\log q_\phi(z\mid x) - \log p(z)",
            rf"$p(z) = {prior}$ of $K = {self.components}$ learned images $u_k$, and the KL is "
            r"estimated by draws $z \sim q_\phi(z\mid x)$",
        )

    def problem(self, posterior: Posterior, space: LatentSpace) -> str | None:
        if problem := super().problem(posterior, space):
            return problem
        if posterior.is_normal:
            return None
        return f"it mixes diagonal Gaussians, which the posterior {posterior.use} is not"

    def build(self, space: LatentSpace) -> PriorModule:
        """z (B, *latent). The model binds the module to its encoder."""
        from vaezoo_vampprior.nets import VampPriorNet

        return VampPriorNet(self.components, space.shape)


class PseudoInputs(Visualizer, use="pseudo_inputs"):
    """Pseudo-inputs of a VampPrior above the mean images at their posterior means.

    Those that most of the test images' posterior means are nearest to come first.
    """

    columns: int = Field(15, ge=1, le=100, description="pseudo-inputs per row")
    rows: int = Field(2, ge=1, le=100, description="rows of pseudo-inputs")

    def problem(self, spec: Spec) -> str | None:
        if isinstance(spec.model.prior, VampPrior):
            return None
        return f"the prior {spec.model.prior.use} has no pseudo-inputs"

    def draw(self, context: EvaluationContext) -> matplotlib.figure.Figure:
        """Pairs of rows: pseudo-inputs and their reconstructions."""
        from vaezoo_vampprior.picture import draw_pseudo_inputs

        return draw_pseudo_inputs(context, columns=self.columns, rows=self.rows)
