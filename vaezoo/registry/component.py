"""``Component`` and the nine kinds: what a plugin subclasses.

A component is data: its fields are its parameters in YAML, its docstring is its documentation.
``build`` makes its torch half and is the only place that imports torch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

from vaezoo.registry.activation_shapes import shaping
from vaezoo.registry.contracts import (
    EvaluationContext,
    Figure,
    ImageClassifier,
    ImageData,
    ImageShape,
    LikelihoodModule,
    LossModule,
    PriorModule,
)
from vaezoo.registry.fields.schedule import Schedule
from vaezoo.registry.needs import HasLocation, NeedsData
from vaezoo.registry.self_description import (
    DescribedLikelihood,
    DescribedLoss,
    DescribedMetric,
    DescribedPrior,
)

if TYPE_CHECKING:
    import matplotlib.figure
    from torch import nn, optim

    from vaezoo.spec.spec import Spec, TrainSpec


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


class Dataset(HasLocation, Component):
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


class Likelihood(DescribedLikelihood, Component):
    """p(x|z): owns the map from the decoder's output to a mean image and a log-probability."""

    kind = "likelihood"
    #: parameters that the decoder must give for each pixel and channel
    parameters_per_pixel: ClassVar[int] = 1

    @abstractmethod
    def build(self, image: ImageShape) -> LikelihoodModule:
        """An ``nn.Module`` with ``log_prob`` and ``mean``, see ``LikelihoodModule``."""


class Prior(DescribedPrior, Component):
    """p(z)."""

    kind = "prior"

    @abstractmethod
    def build(self, latent: int) -> PriorModule:
        """An ``nn.Module`` with ``log_prob``, ``sample`` and ``kl``, see ``PriorModule``."""


class Loss(DescribedLoss, Component):
    """The training objective over the likelihood, posterior and prior."""

    kind = "loss"

    @property
    def weights(self) -> dict[str, float | Schedule]:
        """The real-valued fields; the loop hands them to the module at their current value."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: v for name, v in values.items() if isinstance(v, float | Schedule)}

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
    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> optim.Optimizer:
        """A torch optimizer that starts at the learning rate ``lr``."""


class Metric(NeedsData, DescribedMetric, Component):
    """Named figures from a trained model and a split."""

    kind = "metric"

    @abstractmethod
    def compute(self, context: EvaluationContext) -> list[Figure]:
        """Figures of ``context.model`` on ``context.split``."""


class Visualizer(NeedsData, Component):
    """A picture of a trained model and its data."""

    kind = "visualizer"
    #: whether the report of an entry shows it; false for what reports plot in a way of their own
    in_reports: ClassVar[bool] = True

    def problem(self, spec: Spec) -> str | None:
        """Why the picture would show such a model badly or not at all, if so, in one sentence."""
        return None

    @abstractmethod
    def draw(self, context: EvaluationContext) -> matplotlib.figure.Figure:
        """A matplotlib figure, made without pyplot so that nothing global is touched."""


KINDS: dict[str, type[Component]] = {
    kind.kind: kind
    for kind in (Dataset, Encoder, Decoder, Likelihood, Prior, Loss, Optimizer, Metric, Visualizer)
}
