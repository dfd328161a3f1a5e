"""How images look that a model gives back, or makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.registry import DataFacts, Figure, Metric, Scene

if TYPE_CHECKING:
    from vaezoo.spec import Spec


class ReconstructionError(Metric, use="reconstruction_error"):
    """How far the mean image at the posterior mean is from the image itself.

    ``mse`` is the mean squared error of a pixel on [0, 1]; ``ssim`` the structural similarity
    with a Gaussian window of 11 pixels and σ = 1.5 (Wang et al. 2004, equation 13), 1 for a
    perfect copy.
    """

    figures = ("mse", "ssim")

    def compute(self, scene: Scene) -> list[Figure]:
        """mse (lower is better) and ssim (higher is better)."""
        from vaezoo.components.nets.image_quality import reconstruction_error_figures

        return reconstruction_error_figures(scene)


class SampleQuality(Metric, use="sample_quality"):
    """How samples of the prior compare with the split's images, in a classifier's features.

    The features are those of the small classifier that comes with the dataset, so figures
    compare with others on the same dataset alone, and not with those of an Inception network.
    Fréchet distance (Heusel et al. 2017, arXiv:1706.08500), kernel distance (Bińkowski et al.
    2018, arXiv:1801.01401), improved precision and recall (Kynkäänniemi et al. 2019,
    arXiv:1904.06991). Samples are mean images, as many as there are images.
    """

    figures = ("frechet_distance", "kernel_distance", "precision", "recall")
    needs = ("images", "classifier")
    neighbours: int = Field(3, ge=1, description="neighbours that span the manifold, k")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.test == 1:
            return "it compares distributions, and the split has one image"
        return super().data_problem(spec, data)

    def compute(self, scene: Scene) -> list[Figure]:
        """frechet_distance and kernel_distance (lower is better), precision and recall.

        Raises UsageError (VZ504) for a dataset that has no classifier.
        """
        from vaezoo.components.nets.sample_quality import sample_quality_figures

        return sample_quality_figures(scene, self.neighbours)
