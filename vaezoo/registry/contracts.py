"""The data that components receive and return. Nothing here imports torch at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from vaezoo.registry.fields.binarization import AS_STORED, Binarization
from vaezoo.registry.quantity import Quantity, Role
from vaezoo.registry.verdicts import TargetResult

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.registry.component_kinds import Dataset
    from vaezoo.spec.spec import Spec


class ImageShape(NamedTuple):
    """The shape of one image."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels}×{self.height}×{self.width}"


class Batch(NamedTuple):
    """Images (B, C, H, W) and their int64 labels (B,), −1 where an image has none.

    ``labels`` is None if neither the model nor its loss uses them.
    """

    images: Tensor
    labels: Tensor | None = None

    @property
    def tensors(self) -> list[Tensor]:
        """The images, and the labels if there are any; ``Batch(*tensors)`` is the same batch."""
        return [value for value in self if value is not None]

    def rows(self, which: slice | Tensor) -> Batch:
        """Some of its examples."""
        return Batch(*(value[which] for value in self.tensors))


@dataclass(frozen=True)
class Split:
    """Images of one split: uint8 (N, C, H, W), and optional int64 labels (N,)."""

    images: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class ImageData:
    """A dataset in memory or in mapped files, which may be larger than memory.

    ``digest`` is a SHA-256 over the content, before binarization. ``test_is_trained_on`` is true
    if ``train`` contains the test images, so figures on them are not held-out ones.
    ``binarization`` says how pixels were drawn, and whether to draw those of ``train`` at every
    step.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    digest: str
    test_is_trained_on: bool = False
    binarization: Binarization = AS_STORED

    @property
    def shape(self) -> ImageShape:
        return ImageShape(*self.train.images.shape[1:])


@dataclass(frozen=True)
class DataFacts:
    """Facts about a dataset's images.

    ``train`` and ``test`` count the images of the splits. Both are 0 if the images cannot be
    loaded.
    """

    dataset: Dataset
    train: int
    test: int
    has_labels: bool

    @classmethod
    def of(cls, dataset: Dataset, data: ImageData) -> DataFacts:
        """The facts of loaded data."""
        return cls(dataset, len(data.train), len(data.test), data.test.labels is not None)

    @classmethod
    def without_images(cls, dataset: Dataset) -> DataFacts:
        """The facts of a dataset whose images cannot be loaded."""
        return cls(dataset, 0, 0, has_labels=False)

    def lacking(self, needs: tuple[str, ...]) -> str | None:
        """Why one of ``needs`` ("images", "labels", "classifier") is not met, else None."""
        if needs and not self.test:
            return "it needs the images of the dataset, which are not available"
        if "labels" in needs and not self.has_labels:
            return f"it needs labels, but the images of {self.dataset.use!r} have none"
        if "classifier" in needs and self.dataset.classifier() is None:
            return f"it needs a classifier of the images, but {self.dataset.use!r} has none"
        return None


class ImageClassifier(Protocol):
    """A trained classifier of a dataset's images: an ``nn.Module`` in evaluation mode.

    ``accuracy`` is its accuracy on the test images; ``digest`` identifies its weights.
    """

    accuracy: float
    digest: str

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> features (B, F), to compare samples with images."""

    def to(self, device: torch.device) -> ImageClassifier:
        """Move the module to a device."""


@dataclass(frozen=True)
class Figure:
    """One evaluated number with its protocol.

    vaezoo adds ``about``, the metric's description, and ``likelihood_caveat``, the likelihood's
    warning if it is not made of log-probabilities, after ``compute``. Entries of older versions
    lack both.
    """

    name: str
    value: float
    unit: str
    split: str
    likelihood: str
    binarisation: str
    samples: int
    examples: int
    standard_error: float | None = None
    per_dimension: tuple[float, ...] | None = None
    note: str = ""
    about: Quantity | None = None
    likelihood_caveat: str = ""

    @property
    def label(self) -> str:
        """Its name in reports."""
        return self.about.label if self.about else self.name.replace("_", " ")

    @property
    def role(self) -> str | None:
        """Its role, such as "elbo"; its name if it has no description."""
        return self.about.role if self.about else self.name


#: Formats of pictures. The first is that of matplotlib figures.
PICTURE_FORMATS = ("png", "gif", "webp", "svg", "html")


@dataclass(frozen=True)
class EncodedPicture:
    """A picture that a visualizer encoded itself, such as an animation or a page.

    ``format`` is one of png, gif, webp, svg and html. Raises ValueError for another.
    """

    content: bytes
    format: str

    def __post_init__(self) -> None:
        if self.format not in PICTURE_FORMATS:
            raise ValueError(
                f"the format is {self.format!r}, expected {', '.join(PICTURE_FORMATS)}"
            )


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over examples in nats.

    ``train`` is a running mean over the epoch, ``validation`` is computed after it. Both hold
    objective, reconstruction, kl and elbo, where elbo is always −(reconstruction + kl).
    ``skipped_steps`` counts steps that ``train.skip_bad_steps`` skipped; their images are not in
    ``train``.
    """

    epoch: int
    train: dict[str, float]
    validation: dict[str, float] | None
    weights: dict[str, float]
    learning_rate: float
    seconds: float
    images_per_second: float
    skipped_steps: int = 0

    def to_data(self) -> dict[str, Any]:
        """The record as JSON data; without ``skipped_steps`` where there are none."""
        data = asdict(self)
        return (
            data if self.skipped_steps else {k: v for k, v in data.items() if k != "skipped_steps"}
        )


@dataclass(frozen=True)
class EvaluationContext:
    """The input of a metric or visualizer: a trained model and a split of its data.

    ``model`` is in evaluation mode, on its device. ``split`` is in host memory, and so is
    ``training``, the training split with the held-out images, for fits to latents. Call
    ``advance`` with the number of examples just processed.
    """

    name: str
    spec: Spec
    model: VAE
    split: Split
    split_name: str
    class_names: tuple[str, ...]
    history: tuple[EpochRecord, ...] = ()
    seed: int = 0
    test_is_trained_on: bool = False
    advance: Callable[[int], object] = field(default=lambda count: None)
    training: Split | None = None
    binarization: Binarization = AS_STORED

    @classmethod
    def of_test(
        cls,
        model: VAE,
        data: ImageData,
        history: tuple[EpochRecord, ...] = (),
        advance: Callable[[int], object] = lambda count: None,
    ) -> EvaluationContext:
        """A trained model with the test split of its data."""
        return cls(
            name=model.spec.name,
            spec=model.spec,
            model=model,
            split=data.test,
            split_name="test",
            class_names=data.class_names,
            history=history,
            seed=model.spec.train.seed,
            test_is_trained_on=data.test_is_trained_on,
            advance=advance,
            training=data.train,
            binarization=data.binarization,
        )

    @classmethod
    def without_images(cls, model: VAE, history: tuple[EpochRecord, ...] = ()) -> EvaluationContext:
        """A trained model with an empty split, if its images cannot be loaded."""
        import torch

        blank = Split(torch.zeros(0, *model.image_shape, dtype=torch.uint8))
        nothing = ImageData(blank, blank, (), "")
        return replace(cls.of_test(model, nothing, history), training=None)

    def generator(self) -> torch.Generator:
        """A new generator on the model's device, with the same seed at each call."""
        import torch

        return torch.Generator(self.model.device).manual_seed(self.seed)


@dataclass(frozen=True)
class RunInfo:
    """The argument of the run hooks.

    ``model`` is the model in training, with its current weights. ``data`` holds the images in
    host memory. ``epochs_done`` is 0 for a new run, more for a resumed one.
    """

    spec: Spec
    directory: Path
    device: str
    model: VAE
    lock: dict[str, Any]
    data: ImageData
    epochs_done: int = 0


@dataclass(frozen=True)
class Metrics:
    """The evaluator's output for one entry."""

    figures: tuple[Figure, ...] = ()
    targets: tuple[TargetResult, ...] = ()
    notes: tuple[str, ...] = ()
    test_is_trained_on: bool = False

    def figure(self, metric: str) -> Figure | None:
        """The first figure of that name, such as ``test/elbo``."""
        split, _, name = metric.partition("/")
        return next((f for f in self.figures if (f.split, f.name) == (split, name)), None)

    def of_role(self, role: Role, split: str = "test") -> Figure | None:
        """The first figure of a role on a split, whatever its name."""
        return next((f for f in self.figures if (f.split, f.role) == (split, role)), None)


class TrainingImages(Protocol):
    """The images that a model trains on, without held-out ones, before dynamic binarization."""

    @property
    def count(self) -> int:
        """The number of images."""

    @property
    def shape(self) -> ImageShape:
        """The shape of an image."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, by label."""

    @property
    def labels(self) -> Tensor | None:
        """int64 labels (count,); None without labels."""

    @property
    def mean(self) -> Tensor:
        """The mean image, (C, H, W) in [0, 1]. Reads every image at the first use."""

    def images(self, which: slice | Tensor) -> Tensor:
        """Some of the images: (B, C, H, W) in [0, 1], in host memory."""


class PublishedEntry(Protocol):
    """A published zoo entry, the argument of ``vaezoo_run_finished``.

    ``path`` is its folder, ``metrics`` the evaluation, ``figures`` its pictures.
    """

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def figures(self) -> tuple[Path, ...]: ...
