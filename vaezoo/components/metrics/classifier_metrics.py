"""Simple classifiers on posterior means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.metrics import sentences
from vaezoo.registry import DataFacts, EvaluationContext, Figure, Metric, Quantity

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.spec.spec import Spec

_FRACTION = "fraction of the images"


class LinearProbe(Metric, use="linear_probe"):
    """Accuracy of multinomial logistic regression from posterior means to labels.

    L-BFGS fits it to the latents of the training split, each scaled to variance 1.
    """

    figures = (
        Quantity(
            "probe_accuracy",
            "higher",
            unit=_FRACTION,
            title="linear probe accuracy",
            least=0.0,
            most=1.0,
        ),
    )
    needs = ("images", "labels")
    penalty: float = Field(1e-4, ge=0, description="weight of the L2 penalty")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.train == 1:
            return "it needs at least two training images"
        return super().data_problem(spec, data)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """probe_accuracy as a fraction of the split's images; nothing without labels."""
        from vaezoo.components.nets.linear_probe import linear_probe_figures

        return linear_probe_figures(context, self.penalty)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_classes(figures)

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.linear_probe import linear_probe

        found = linear_probe(context, self.penalty)
        return {"probe_accuracy": found.right} if found else {}


class NearestNeighbours(Metric, use="nearest_neighbours"):
    """Accuracy of k-nearest-neighbor classification on posterior means of training images.

    A tie goes to the class of the nearer neighbors.
    """

    figures = (
        Quantity(
            "knn_accuracy", "higher", unit=_FRACTION, title="k-NN accuracy", least=0.0, most=1.0
        ),
    )
    needs = ("images", "labels")
    neighbours: int = Field(10, ge=1, description="number of neighbors, k")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """knn_accuracy as a fraction of the split's images; nothing without labels."""
        from vaezoo.components.nets.linear_probe import nearest_neighbours_figures

        return nearest_neighbours_figures(context, self.neighbours)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_classes(figures)

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.linear_probe import nearest_neighbours

        found = nearest_neighbours(context, self.neighbours)
        return {"knn_accuracy": found.right} if found else {}
