"""Bounds on log p(x), and their gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.metrics import sentences
from vaezoo.registry import EvaluationContext, Figure, Metric, Quantity
from vaezoo.registry.quantity import ELBO, KL, RECONSTRUCTION

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.spec.spec import Spec


class ELBOMetric(Metric, use="elbo"):
    """Evidence lower bound with β = 1 and its two terms, independent of the training objective.

    The reconstruction term is a mean over ``samples`` draws of z for each image; the KL term has
    a closed form if the prior provides one. As a code, ``kl`` is the rate and ``reconstruction``
    the distortion of the model (Alemi et al. 2018, arXiv:1711.00464).
    """

    figures = (ELBO, RECONSTRUCTION, KL)
    samples: int = Field(10, ge=1, description="draws of z per image")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """elbo (negative, higher is better), reconstruction and kl, nats per example."""
        from vaezoo.components.nets.estimators import elbo_figures

        return elbo_figures(context, self.samples)

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.estimators import elbo_terms

        terms = elbo_terms(context, self.samples)
        return {"elbo": terms.elbo, "reconstruction": terms.reconstruction, "kl": terms.kl}


class ImportanceWeighted(Metric, use="importance_weighted"):
    """Importance-weighted bound on log p(x): log 1/K Σ p(x, z_k) / q(z_k|x), z_k ~ q(z|x).

    It is above the ELBO, grows with K and converges to log p(x) (Burda, Grosse and Salakhutdinov
    2016, arXiv:1509.00519, equation 8).
    """

    figures = (
        Quantity(
            "iw_bound",
            "higher",
            title="importance-weighted bound",
            with_samples="rises",
            role="bound",
            formula=r"\log \frac{1}{K} \sum_{k=1}^{K} \frac{p_\theta(x, z_k)}{q_\phi(z_k\mid x)}",
        ),
    )
    samples: int = Field(1000, ge=1, description="draws of z per image, K")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """iw_bound (negative, higher is better), nats per example."""
        from vaezoo.components.nets.importance import importance_weighted_figure

        return [importance_weighted_figure(context, self.samples)]

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.importance import importance_weighted_values

        return {"iw_bound": importance_weighted_values(context, self.samples)}

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_tighter_bound(figures)


class AmortisationGap(Metric, use="amortisation_gap"):
    """The gap between log p(x) and the ELBO in two parts, on a subset of the split.

    The gap is the amortization gap plus the approximation gap (Cremer, Li and Duvenaud 2018,
    arXiv:1801.03558). To measure the first, Adam fits a diagonal Gaussian to each image by
    maximizing its ELBO, starting at the encoder's mean and log-variance. ``amortisation_gap`` is
    the gain over the encoder's ELBO on the same images, with new draws. ``remaining_gap`` is the
    importance-weighted bound with the fitted Gaussian minus its ELBO: the part of the
    approximation gap that K draws show. An incomplete fit moves gain into the remaining gap.
    """

    figures = (
        Quantity("amortisation_gap", "lower", title="amortisation gap"),
        Quantity("remaining_gap", "lower", title="remaining gap", with_samples="rises"),
    )
    images: int = Field(200, ge=1, description="number of images, spread evenly over the split")
    steps: int = Field(300, ge=1, description="steps of Adam per image")
    draws: int = Field(4, ge=1, description="draws of z per image and step of Adam")
    lr: float = Field(0.05, gt=0, description="initial learning rate of Adam, which falls to 0")
    samples: int = Field(500, ge=1, description="new draws of z per image for the comparison, K")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """amortisation_gap and remaining_gap (positive, lower is better), nats per example."""
        from vaezoo.components.nets.amortisation import Fit, amortisation_figures

        fit = Fit(self.steps, self.draws, self.lr)
        return amortisation_figures(context, self.images, fit, self.samples)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_gaps(figures)


class EntropyFloor(Metric, use="entropy_floor"):
    """Lower limit of the binary cross-entropy: the entropy of the images' gray levels.

    Cross-entropy on gray levels is not a likelihood: a perfect copy still scores
    −Σ x log x + (1 − x) log(1 − x). On binary images the floor is 0. It depends only on the
    images.
    """

    figures = (Quantity("entropy_floor", "neither", least=0.0, role="floor"),)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """entropy_floor, nats per example: the minimum reconstruction term of ``bernoulli``."""
        from vaezoo.components.nets.estimators import entropy_floor_figure

        return [entropy_floor_figure(context)]

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.estimators import gray_entropies

        return {"entropy_floor": gray_entropies(context)}
