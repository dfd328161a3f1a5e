"""``Component`` and the nine kinds: what a plugin subclasses.

A component is data: its fields are its parameters in YAML, its docstring is its documentation.
``build`` makes its torch half and is the only place that imports torch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from vaezoo.fields.schedule import Schedule
from vaezoo.registry.contracts import (
    Figure,
    ImageClassifier,
    ImageData,
    ImageShape,
    LikelihoodModule,
    LossModule,
    PriorModule,
    Scene,
)
from vaezoo.registry.needs import Located, NeedsData
from vaezoo.registry.quantity import ELBO, LOSS_TERMS, Definition, Quantity, described
from vaezoo.registry.shaping import shaping

if TYPE_CHECKING:
    import matplotlib.figure
    import torch
    from torch import Tensor, nn

    from vaezoo.spec.schema import Spec, TrainSpec


class Component(BaseModel):
    """A part of a spec. Subclass a kind, not this: ``class Mine(Encoder, use="mine")``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,
        allow_inf_nan=False,  # a canonical spec is JSON, which has neither
    )

    kind: ClassVar[str] = ""
    use: ClassVar[str] = ""
    _written: str = PrivateAttr(default="")

    def __init_subclass__(cls, use: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if use is not None:
            cls.use = use

    def to_spec(self) -> str | dict[str, Any]:
        """The component as it stands in a spec, every parameter included."""
        parameters = self.model_dump(mode="json")
        written = self._written or self.use
        return {"use": written, **parameters} if parameters else written

    def weights_depend_on(self) -> tuple[Any, ...] | None:
        """What decides the names and shapes of its weights; None for a part without weights.

        ``vaezoo diff`` asks it whether weights still fit. By default every parameter but
        activations and initialisers; a component that has others of that kind gives the rest.
        """
        return tuple(getattr(self, name) for name in shaping(type(self)))

    def as_written(self, name: str) -> Component:
        """This component, remembering the name a spec used (``plugin:name`` or ``name``)."""
        self._written = name
        return self


class Dataset(Located, Component):
    """Images and labels, in a training and a test split."""

    kind = "dataset"

    @property
    @abstractmethod
    def image_shape(self) -> ImageShape:
        """The shape of every image, known without loading any."""

    @property
    def binary(self) -> bool | None:
        """Whether every pixel is black or white, 0 or 255; None where that is not known."""
        return None

    def problem(self) -> str | None:
        """What keeps the data from being loaded, as far as a cheap look can tell."""
        return None

    @abstractmethod
    def build(self) -> ImageData:
        """The images in host memory, or mapped from a file where they are more than that holds
        (``images_on_disk`` makes one). Raises DataError where they cannot be had."""

    def classifier(self) -> ImageClassifier | None:
        """A trained classifier of such images, for figures on samples; None where there is none."""
        return None


class Encoder(Component):
    """q(z|x): images to the parameters of a diagonal-Gaussian posterior."""

    kind = "encoder"

    def shape_problem(self, image: ImageShape, latent: int) -> str | None:
        """Why this encoder cannot take such images, if so, by arithmetic alone."""
        return None

    @abstractmethod
    def build(self, image: ImageShape, latent: int) -> nn.Module:
        """A module: images (B, C, H, W) in [0, 1] -> (mean, log_var), each (B, latent)."""


class Decoder(Component):
    """Latents to the parameters of the likelihood."""

    kind = "decoder"

    def shape_problem(self, latent: int, output: ImageShape) -> str | None:
        """Why this decoder cannot make such an output, if so, by arithmetic alone."""
        return None

    @abstractmethod
    def build(self, latent: int, output: ImageShape) -> nn.Module:
        """A module: z (B, latent) -> (B, *output), no final activation.

        ``output.channels`` is the image's channels times the likelihood's parameters a pixel.
        """


class Likelihood(Component):
    """p(x|z): owns the map from the decoder's output to a mean image and a log-probability."""

    kind = "likelihood"
    #: parameters that the decoder must give for each pixel and channel
    parameters_per_pixel: ClassVar[int] = 1

    @property
    def for_binary_images(self) -> bool:
        """Whether ``log_prob`` is a log-probability only where every pixel is 0 or 1."""
        return False

    @property
    def never_positive(self) -> bool:
        """Whether ``log_prob`` cannot exceed 0, as the logarithm of a probability cannot."""
        return False

    @property
    def deviation(self) -> float | None:
        """The standard deviation of a normal density, where training cannot change it."""
        return None

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

    @abstractmethod
    def build(self, image: ImageShape) -> LikelihoodModule:
        """An ``nn.Module`` with ``log_prob`` and ``mean``, see ``LikelihoodModule``."""


class Prior(Component):
    """p(z)."""

    kind = "prior"

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

    @abstractmethod
    def build(self, latent: int) -> PriorModule:
        """An ``nn.Module`` with ``log_prob``, ``sample`` and ``kl``, see ``PriorModule``."""


class Loss(Component):
    """The training objective over the likelihood, posterior and prior."""

    kind = "loss"
    #: the terms that the module gives: targets on them are checked before training
    terms: ClassVar[tuple[Quantity, ...]] = LOSS_TERMS

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = {term.name for term in described(f"{cls.__name__}.terms", cls.terms)}
        missing = [term.name for term in LOSS_TERMS if term.name not in names]
        if missing or ELBO.name in names:
            wrong = f"lacks {missing[0]!r}" if missing else f"has {ELBO.name!r}, which vaezoo adds"
            raise TypeError(f"{cls.__name__}.terms {wrong}; write (*Loss.terms, Quantity(…))")

    @property
    def weights(self) -> dict[str, float | Schedule]:
        """The real-valued fields; the loop hands them to the module at their current value."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: v for name, v in values.items() if isinstance(v, float | Schedule)}

    @property
    def kl_weight(self) -> str | None:
        """The name of the field that the KL term is multiplied by, if there is one."""
        return None

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

    @abstractmethod
    def build(self) -> LossModule:
        """An ``nn.Module`` giving per-example terms, see ``LossModule``."""


class Optimizer(Component):
    """How parameters move. Subclasses have a field ``lr``, a number or a schedule."""

    kind = "optimizer"
    lr: float | Schedule

    def highest_lr(self, plan: TrainSpec) -> float | None:
        """The learning rate from which on such training is known to fail; None if unknown."""
        return None

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """A torch optimizer that starts at the learning rate ``lr``."""


class Metric(NeedsData, Component):
    """Named figures from a trained model and a split.

    A metric that draws z has a field ``samples``, the draws for each image.
    """

    kind = "metric"
    #: the figures it takes, described; where they are not given, targets go unchecked until the
    #: figures are there, and neither side of one is better
    figures: ClassVar[tuple[Quantity, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        described(f"{cls.__name__}.figures", cls.figures)

    def reading(self, figures: Mapping[str, Figure], spec: Spec) -> Sequence[str]:
        """What its figures show, in sentences, for reports.

        ``figures`` are the finite ones of the entry's test split by name; say something only of
        those that are there.
        """
        return ()

    @abstractmethod
    def compute(self, scene: Scene) -> list[Figure]:
        """Figures of ``scene.model`` on ``scene.split``."""

    def per_image(self, scene: Scene) -> Mapping[str, Tensor]:
        """Values of each image of the split, (N,), whose means are the figures of these names.

        With them two models are compared image by image, on some of the images: give only values
        that depend on no other image of the split. None unless a metric gives them.
        """
        return {}


class Visualizer(NeedsData, Component):
    """A picture of a trained model and its data."""

    kind = "visualizer"
    #: whether the report of an entry shows it; false for what reports plot in a way of their own
    in_reports: ClassVar[bool] = True

    def problem(self, spec: Spec) -> str | None:
        """Why the picture would show such a model badly or not at all, if so, in one sentence."""
        return None

    @abstractmethod
    def draw(self, scene: Scene) -> matplotlib.figure.Figure:
        """A matplotlib figure, made without pyplot so that nothing global is touched."""


KINDS: dict[str, type[Component]] = {
    kind.kind: kind
    for kind in (Dataset, Encoder, Decoder, Likelihood, Prior, Loss, Optimizer, Metric, Visualizer)
}
