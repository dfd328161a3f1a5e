"""Quality of reconstructions and samples."""

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
    """Error of the reconstruction: the mean image at the posterior mean.

    ``mse`` is the mean squared error per pixel in [0, 1]. ``ssim`` is the structural similarity
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
    """Compare samples from the prior with the split's images in a classifier's features.

    Computes the Fréchet distance (Heusel et al. 2017, arXiv:1706.08500), the kernel distance
    (Bińkowski et al. 2018, arXiv:1801.01401), and improved precision and recall (Kynkäänniemi et
    al. 2019, arXiv:1904.06991). The features come from the dataset's small classifier, so figures
    are comparable only on the same dataset, not with those of an Inception network. Samples are
    as many mean images as there are images. For binary data their pixels are drawn, with the mean
    as the probability of white.
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
    neighbours: int = Field(3, ge=1, description="number of neighbors for precision and recall, k")

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        if data.test == 1:
            return "it needs at least two images in the split"
        return super().data_problem(spec, data)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """frechet_distance and kernel_distance (lower is better), precision and recall.

        Raises UsageError (VZ504) for a dataset without a classifier, and for binary data with a
        likelihood that gives no probabilities of white pixels.
        """
        from vaezoo.components.nets.sample_quality import sample_quality_figures

        return sample_quality_figures(context, self.neighbours)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_samples(figures)
