"""How much of the classes the latents hold: simple classifiers on posterior means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.registry import DataFacts, Figure, Metric, Scene

if TYPE_CHECKING:
    from vaezoo.spec import Spec


class LinearProbe(Metric, use="linear_probe"):
    """Accuracy of multinomial logistic regression from posterior means to labels.

    Fitted to the training split's latents, each scaled to variance 1, by L-BFGS.
    """

    figures = ("probe_accuracy",)
    needs = ("images", "labels")
    penalty: float = Field(1e-4, ge=0, description="weight of the squared coefficients")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.train == 1:
            return "it is fitted to training images, and there is only one"
        return super().data_problem(spec, data)

    def compute(self, scene: Scene) -> list[Figure]:
        """probe_accuracy, the fraction of the split's images; none without labels."""
        from vaezoo.components.nets.probes import linear_probe_figures

        return linear_probe_figures(scene, self.penalty)


class NearestNeighbours(Metric, use="nearest_neighbours"):
    """Accuracy of the vote of the nearest training images by distance between posterior means.

    A tie goes to the class of the nearer neighbours.
    """

    figures = ("knn_accuracy",)
    needs = ("images", "labels")
    neighbours: int = Field(10, ge=1, description="neighbours that vote, k")

    def compute(self, scene: Scene) -> list[Figure]:
        """knn_accuracy, the fraction of the split's images; none without labels."""
        from vaezoo.components.nets.probes import nearest_neighbours_figures

        return nearest_neighbours_figures(scene, self.neighbours)
