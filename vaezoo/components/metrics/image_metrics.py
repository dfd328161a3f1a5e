"""How images look that a model gives back, or makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.metrics import sentences
from vaezoo.registry import DataFacts, EvaluationContext, Figure, Metric, Quantity

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.spec.spec import Spec


class ReconstructionError(Metric, use="reconstruction_error"):
    """How far the mean image at the posterior mean is from the image itself.

    ``mse`` is the mean squared error of a pixel on [0, 1]; ``ssim`` the structural similarity
    with a Gaussian window of 11 pixels and σ = 1.5 (Wang et al. 2004, equation 13), 1 for a
    perfect copy.
    """

    figures = (
        Quantity(
            "mse",
            "lower",
            unit="squared error of a pixel, in [0, 1]",
            title="squared error of a pixel",
            least=0.0,
        ),
        Quantity(
            "ssim",
            "higher",
            unit="structural similarity, up to 1",
            title="structural similarity",
            least=-1.0,
            most=1.0,
        ),
    )

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """mse (lower is better) and ssim (higher is better)."""
        from vaezoo.components.nets.image_quality import reconstruction_error_figures

        return reconstruction_error_figures(context)

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.image_quality import reconstruction_errors

        return reconstruction_errors(context)


class SampleQuality(Metric, use="sample_quality"):
    """How samples of the prior compare with the split's images, in a classifier's features.

    The features are those of the small classifier that comes with the dataset, so figures
    compare with others on the same dataset alone, and not with those of an Inception network.
    Fréchet distance (Heusel et al. 2017, arXiv:1706.08500), kernel distance (Bińkowski et al.
    2018, arXiv:1801.01401), improved precision and recall (Kynkäänniemi et al. 2019,
    arXiv:1904.06991). Samples are mean images, as many as there are images. Where the data are
    black and white, samples are too: each pixel is drawn with its mean as the chance of white.
    """

    figures = (
        Quantity(
            "frechet_distance",
            "lower",
            unit="squared distance of features",
            title="Fréchet distance",
            least=0.0,
        ),
        Quantity(
            "kernel_distance", "lower", unit="squared kernel distance", title="kernel distance"
        ),
        Quantity(
            "precision",
            "higher",
            unit="fraction of the samples",
            title="precision of samples",
            least=0.0,
            most=1.0,
        ),
        Quantity(
            "recall",
            "higher",
            unit="fraction of the images",
            title="recall of images",
            least=0.0,
            most=1.0,
        ),
    )
    needs = ("images", "classifier")
    neighbours: int = Field(3, ge=1, description="neighbours that span the manifold, k")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.test == 1:
            return "it compares distributions, and the split has one image"
        return super().data_problem(spec, data)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """frechet_distance and kernel_distance (lower is better), precision and recall.

        Raises UsageError (VZ504) for a dataset that has no classifier, and for black-and-white
        data under a likelihood that gives no chances of white pixels.
        """
        from vaezoo.components.nets.sample_quality import sample_quality_figures

        return sample_quality_figures(context, self.neighbours)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_samples(figures)
