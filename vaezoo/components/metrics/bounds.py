"""Bounds on log p(x), and what keeps some of them from being one."""

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
    """The evidence lower bound with β = 1, and its two parts, whatever the objective weighed.

    Each image is encoded once; the reconstruction term is a mean over ``samples`` draws of z.
    The KL term is closed where the prior has a closed form. ``kl`` is the rate and
    ``reconstruction`` the distortion of the model as a code (Alemi et al. 2018,
    arXiv:1711.00464).
    """

    figures = (ELBO, RECONSTRUCTION, KL)
    samples: int = Field(10, ge=1, description="draws of z for each image")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """elbo (negative, higher is better), reconstruction and kl, nats per example."""
        from vaezoo.components.nets.estimators import elbo_figures

        return elbo_figures(context, self.samples)

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.estimators import elbo_terms

        terms = elbo_terms(context, self.samples)
        return {"elbo": terms.elbo, "reconstruction": terms.reconstruction, "kl": terms.kl}


class ImportanceWeighted(Metric, use="importance_weighted"):
    """The importance-weighted bound on log p(x): log 1/K Σ p(x, z_k) / q(z_k|x), z_k ~ q(z|x).

    It lies above the ELBO, grows with K and reaches log p(x) in the limit (Burda, Grosse and
    Salakhutdinov 2016, arXiv:1509.00519, equation 8). Each image is encoded once.
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
    samples: int = Field(1000, ge=1, description="draws of z for each image, K")

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
    """How far the ELBO lies below log p(x), in two parts, over some of the split's images.

    The gap between log p(x) and the ELBO is the amortisation gap plus the approximation gap
    (Cremer, Li and Duvenaud 2018, arXiv:1801.03558). To measure the first, a diagonal Gaussian is
    fitted to each image by itself: Adam maximises its ELBO, starting at the encoder's mean and
    log-variance. ``amortisation_gap`` is what that gains over the encoder's ELBO on the same
    images, by fresh draws. ``remaining_gap`` is how far the importance-weighted bound with the
    fitted Gaussian lies above its ELBO; with K draws it is the part of the approximation gap that
    K draws show. Where the fit stops short of its best, gain is counted as remaining gap.
    """

    figures = (
        Quantity("amortisation_gap", "lower", title="amortisation gap"),
        Quantity("remaining_gap", "lower", title="remaining gap", with_samples="rises"),
    )
    images: int = Field(200, ge=1, description="images to look at, spread evenly over the split")
    steps: int = Field(300, ge=1, description="steps of Adam for each image")
    draws: int = Field(4, ge=1, description="draws of z for each image and step of Adam")
    lr: float = Field(0.05, gt=0, description="Adam's first learning rate; it falls to 0")
    samples: int = Field(500, ge=1, description="fresh draws of z for each image to compare by")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """amortisation_gap and remaining_gap (positive, lower is better), nats per example."""
        from vaezoo.components.nets.amortisation import Fit, amortisation_figures

        fit = Fit(self.steps, self.draws, self.lr)
        return amortisation_figures(context, self.images, fit, self.samples)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> tuple[str, ...]:
        return sentences.of_gaps(figures)


class EntropyFloor(Metric, use="entropy_floor"):
    """What binary cross-entropy cannot fall below: the entropy of the images' own grey levels.

    Cross-entropy on grey levels is no likelihood. A perfect copy still scores −Σ x log x +
    (1 − x) log(1 − x); on binary images the floor is 0. It depends on the images alone.
    """

    figures = (Quantity("entropy_floor", "neither", least=0.0, role="floor"),)

    def compute(self, context: EvaluationContext) -> list[Figure]:
        """entropy_floor, nats per example: the least reconstruction term of ``bernoulli``."""
        from vaezoo.components.nets.estimators import entropy_floor_figure

        return [entropy_floor_figure(context)]

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        from vaezoo.components.nets.estimators import grey_entropies

        return {"entropy_floor": grey_entropies(context)}
