"""Metrics of the latents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.metrics import sentences
from vaezoo.registry import DataFacts, EvaluationContext, Figure, Metric, Quantity
from vaezoo.registry.active_latents import ACTIVE_ABOVE

if TYPE_CHECKING:
    from vaezoo.spec.spec import Spec


class ActiveUnits(Metric, use="active_units"):
    """Number of active latent dimensions.

    A dimension is active if the variance of its posterior mean over the images is above
    ``threshold`` (Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, section 5).
    """

    figures = (
        Quantity(
            "active_units",
            "higher",
            unit="latent dimensions",
            each="variance of the posterior mean",
            least=0.0,
            role="active_units",
        ),
    )
    threshold: float = Field(
        ACTIVE_ABOVE, gt=0, description="variance above which a dimension is active"
    )

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """active_units, with the variance of each dimension's posterior mean."""
        from vaezoo.components.nets.estimators import active_units_figure

        return [active_units_figure(context, self.threshold)]


class Information(Metric, use="information"):
    """Decompose the KL term into mutual information and the KL of the aggregated posterior.

    With q(z) = 1/N Σ q(z|x_n) over the split's N images, the mean KL term is
    I(n; z) + KL(q(z) || p(z)) (Hoffman and Johnson 2016, "ELBO surgery"). The second term is the
    mismatch between the codes of all images and the prior. The total correlation
    KL(q(z) || Π q(z_j)) measures the dependence of the latents (Chen et al. 2018,
    arXiv:1802.04942, equation 2). I(n; z) is at most log N.
    """

    figures = (
        Quantity("mutual_information", "higher", least=0.0),
        Quantity("marginal_kl", "lower", title="marginal KL"),
        Quantity("total_correlation", "neither"),
    )
    samples: int = Field(1, ge=1, description="draws of z per image")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if spec.model.condition and type(spec.model.prior).conditional:
            return f"it needs one prior of all images, but {spec.model.prior.use!r} has one a class"
        return super().data_problem(spec, data)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """mutual_information, marginal_kl and total_correlation, nats per example."""
        from vaezoo.components.nets.information import information_figures

        return information_figures(context, self.samples)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_information(figures, spec)
