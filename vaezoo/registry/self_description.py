"""Self-descriptions of components, so that reports, cards and the lint need no names.

Every member has a default for components that do not override it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from vaezoo.registry.contracts import EvaluationContext, Figure
from vaezoo.registry.module_contracts import LikelihoodModule
from vaezoo.registry.quantity import ELBO, LOSS_TERMS, Definition, Quantity, checked_quantities

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.spec.spec import Spec


class DescribedLikelihood(BaseModel):
    """The self-description of a likelihood."""

    use: ClassVar[str] = ""

    @property
    def for_binary_images(self) -> bool:
        """Whether ``log_prob`` is a log-probability only for pixels of 0 and 1."""
        return False

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition | None:
        """log p(x|z) over the ``values`` numbers of an image, for reports.

        ``module`` is the trained module, if any. Return None for the general form.
        """
        return None

    def caveat(self, binary: bool) -> str:
        """Why ``log_prob`` is not a log-probability of the images, in sentences, else empty.

        ``binary`` says whether the images are black and white.
        """
        if not self.for_binary_images or binary:
            return ""
        return (
            f"`{self.use}` gives log-probabilities only of pixels that are black or white, and "
            "these images are grey: the ELBO here is no bound on log p(x). Compare it only with "
            "figures obtained in the same way."
        )

    @property
    def never_positive(self) -> bool:
        """Whether ``log_prob`` is at most 0, like the logarithm of a probability."""
        return False

    @property
    def deviation(self) -> float | None:
        """The fixed standard deviation of a normal density; None if learned or not normal."""
        return None


class _DescribedDistribution(BaseModel):
    """What a posterior q(z|x) and a prior p(z) say of their latents."""

    @property
    def is_factorial(self) -> bool:
        """Whether the latents are independent: the distribution is a product over them."""
        return False

    @property
    def is_normal(self) -> bool:
        """Whether it is a product of normal densities, one per latent."""
        return False


class DescribedPosterior(_DescribedDistribution):
    """The self-description of a family of posteriors."""

    def formula(self, latent: int) -> Definition | None:
        """q(z|x) of ``latent`` latents, for reports; None for the general form.

        ``where`` says how z is drawn, as a clause.
        """
        return None


class DescribedPrior(_DescribedDistribution):
    """The self-description of a prior."""

    def formula(self, latent: int) -> Definition | None:
        """KL(q(z|x) || p(z)) of ``latent`` dimensions, for reports; None for the general form.

        ``where`` completes "The prior is …".
        """
        return None


class DescribedLoss(BaseModel):
    """The self-description of a loss."""

    #: the terms that the module returns; targets on them are checked before training
    terms: ClassVar[tuple[Quantity, ...]] = LOSS_TERMS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = {term.name for term in checked_quantities(f"{cls.__name__}.terms", cls.terms)}
        missing = [term.name for term in LOSS_TERMS if term.name not in names]
        if missing or ELBO.name in names:
            wrong = f"lacks {missing[0]!r}" if missing else f"has {ELBO.name!r}, which vaezoo adds"
            raise TypeError(f"{cls.__name__}.terms {wrong}; write (*Loss.terms, Quantity(…))")

    @property
    def draws(self) -> int | None:
        """Draws of z per image in the objective; None if unknown."""
        return None

    def formula(self) -> Definition | None:
        """The objective of one image, for reports; None for the general form."""
        return None

    def relation(self, is_bound: bool) -> str:
        """The relation of the objective to the negative ELBO, in sentences, for reports.

        ``is_bound`` says whether the ELBO is a bound on log p(x), which depends on the likelihood.
        """
        return ""

    def tradeoff(self) -> str:
        """How the objective weighs the rate $R$ (KL) against the distortion $D$ (reconstruction),
        in sentences, for reports."""
        return ""

    @property
    def kl_weight(self) -> str | None:
        """The field that multiplies the KL term, if any."""
        return None


class DescribedMetric(BaseModel):
    """The self-description of a metric.

    A metric that draws z has a field ``samples``, the draws per image.
    """

    #: the figures that it computes; if empty, targets are not checked before training and have no
    #: better side
    figures: ClassVar[tuple[Quantity, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        checked_quantities(f"{cls.__name__}.figures", cls.figures)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> Sequence[str]:
        """What its figures show, in sentences, for reports.

        ``figures`` holds the finite figures of the test split by name; any may be missing.
        """
        return ()

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        """Values of each image of the split, (N,), by the name of the figure that is their mean.

        They serve to compare two models image by image on a part of the split, so each value must
        depend on its own image alone. Empty by default.
        """
        return {}
