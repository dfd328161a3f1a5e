"""What components say of themselves, so that reports, cards, verdicts and the lint need to know
none by name. Each member has an answer for components that say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from vaezoo.registry.contracts import EvaluationContext, Figure, LikelihoodModule
from vaezoo.registry.quantity import ELBO, LOSS_TERMS, Definition, Quantity, checked_quantities

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.spec.spec import Spec


class DescribedLikelihood(BaseModel):
    """A likelihood, by its formula and by what it is not."""

    use: ClassVar[str] = ""

    @property
    def for_binary_images(self) -> bool:
        """Whether ``log_prob`` is a log-probability only where every pixel is 0 or 1."""
        return False

    def formula(self, values: int, module: LikelihoodModule | None = None) -> Definition | None:
        """log p(x|z) over the ``values`` numbers of an image, for reports.

        ``module`` is the trained one, where there is one. None stands for the general form.
        """
        return None

    def caveat(self, binary: bool) -> str:
        """Why ``log_prob`` is not a log-probability of images that are black and white alone
        (``binary``) or not, in sentences; empty where it is one."""
        if not self.for_binary_images or binary:
            return ""
        return (
            f"`{self.use}` gives log-probabilities only of pixels that are black or white, and "
            "these images are grey: the ELBO here is no bound on log p(x). Compare it only with "
            "figures obtained in the same way."
        )

    @property
    def never_positive(self) -> bool:
        """Whether ``log_prob`` cannot exceed 0, as the logarithm of a probability cannot."""
        return False

    @property
    def deviation(self) -> float | None:
        """The standard deviation of a normal density, where training cannot change it."""
        return None


class DescribedPrior(BaseModel):
    """A prior, by its form and formula."""

    @property
    def is_factorial(self) -> bool:
        """Whether p(z) is a product over latents, so that they are independent."""
        return False

    @property
    def is_normal(self) -> bool:
        """Whether p(z) is a product of normal densities, one for each latent."""
        return False

    def formula(self, latent: int) -> Definition | None:
        """KL(q(z|x) || p(z)) of ``latent`` dimensions, for reports; None for the general form.

        ``where`` completes "The prior is …".
        """
        return None


class DescribedLoss(BaseModel):
    """A loss, by its terms and by its relation to the ELBO."""

    #: the terms that the module gives: targets on them are checked before training
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
        """Draws of z that the module takes for each image; None where it does not say."""
        return None

    def formula(self) -> Definition | None:
        """The objective of one image, for reports; None for the general form."""
        return None

    def relation(self, is_bound: bool) -> str:
        """What the objective has to do with the negative ELBO, in sentences, for reports.

        ``is_bound`` says whether the ELBO is a bound on log p(x), which the likelihood decides.
        """
        return ""

    def tradeoff(self) -> str:
        """How the objective weighs the rate $R$, which is the KL term, against the distortion
        $D$, which is the reconstruction term, in sentences, for reports."""
        return ""

    @property
    def kl_weight(self) -> str | None:
        """The name of the field that the KL term is multiplied by, if there is one."""
        return None


class DescribedMetric(BaseModel):
    """A metric, by its figures and by what they show.

    A metric that draws z has a field ``samples``, the draws for each image.
    """

    #: the figures it takes, described; where they are not given, targets go unchecked until the
    #: figures are there, and neither side of one is better
    figures: ClassVar[tuple[Quantity, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        checked_quantities(f"{cls.__name__}.figures", cls.figures)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> Sequence[str]:
        """What its figures show, in sentences, for reports.

        ``figures`` are the finite ones of the entry's test split by name; say something only of
        those that are there.
        """
        return ()

    def per_image(self, context: EvaluationContext) -> Mapping[str, Tensor]:
        """Values of each image of the split, (N,), whose means are the figures of these names.

        With them two models are compared image by image, on some of the images: give only values
        that depend on no other image of the split. None unless a metric gives them.
        """
        return {}
