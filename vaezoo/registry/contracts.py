"""What components receive and return: plain data and the interfaces of their torch halves.

Units: log-probabilities, KL divergences and objectives are in nats per example, summed over
pixels and latents. Nothing here imports torch at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from vaezoo.registry.fields.binarization import AS_STORED, Binarization
from vaezoo.registry.quantity import Quantity, Role
from vaezoo.registry.verdicts import TargetResult

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaezoo.model import VAE, Posterior
    from vaezoo.registry.component import Dataset
    from vaezoo.spec.spec import Spec


class ImageShape(NamedTuple):
    """The shape of one image."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels}×{self.height}×{self.width}"


@dataclass(frozen=True)
class Split:
    """Images of one split: uint8 (N, C, H, W), and int64 labels (N,) where there are any."""

    images: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class ImageData:
    """A dataset in memory, or in files that are mapped: a tensor may be larger than memory.

    ``digest`` is a SHA-256 over the content. ``test_is_trained_on`` is true where the test
    images are part of ``train``, so that no figure on them passes for a held-out one.
    ``binarization`` says how pixels were drawn, and whether those of ``train`` still are to be
    drawn at every step; the digest is that of the images before.
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
    """What is known of a dataset's images before a model is trained on them.

    ``train`` and ``test`` count the images of the splits; both are 0 where the images cannot be
    loaded, as for a trained model whose data lie elsewhere.
    """

    dataset: Dataset
    train: int
    test: int
    has_labels: bool

    @classmethod
    def of(cls, dataset: Dataset, data: ImageData) -> DataFacts:
        """The facts of data that were loaded."""
        return cls(dataset, len(data.train), len(data.test), data.test.labels is not None)

    @classmethod
    def without_images(cls, dataset: Dataset) -> DataFacts:
        """The facts where the images cannot be loaded."""
        return cls(dataset, 0, 0, has_labels=False)

    def lacking(self, needs: tuple[str, ...]) -> str | None:
        """Why one of ``needs`` is not met, if so: of "images", "labels" and "classifier"."""
        if needs and not self.test:
            return "it needs the images of the dataset, which are not there"
        if "labels" in needs and not self.has_labels:
            return f"it needs labels, and the images of {self.dataset.use!r} have none"
        if "classifier" in needs and self.dataset.classifier() is None:
            return f"it needs a classifier of the images, and {self.dataset.use!r} has none"
        return None


class ImageClassifier(Protocol):
    """A trained classifier of a dataset's images. An ``nn.Module`` in evaluation mode.

    ``accuracy`` is the fraction of test images that it gets right; ``digest`` names its weights.
    """

    accuracy: float
    digest: str

    def features(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in [0, 1] -> (B, F), in which samples are compared with images."""

    def to(self, device: torch.device) -> ImageClassifier:
        """The module on a device."""


class LikelihoodModule(Protocol):
    """p(x|z), given the decoder's output ``parameters`` (B, P·C, H, W). An ``nn.Module``."""

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """log p(x|z) of images (B, C, H, W) in [0, 1]: (B,), nats, float32."""

    def mean(self, parameters: Tensor) -> Tensor:
        """E[x|z]: (B, C, H, W), within [0, 1] as far as the family allows."""


class PriorModule(Protocol):
    """p(z). An ``nn.Module``."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) of z (B, latent): (B,), nats."""

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` draws: (count, latent), on the device of the generator."""

    def kl(self, mean: Tensor, log_var: Tensor) -> Tensor | None:
        """KL(N(mean, exp(log_var)) || p) for each dimension, (B, latent), nats.

        None where there is no closed form; the loss then estimates it from its sample of z.
        """


@runtime_checkable
class BoundPrior(PriorModule, Protocol):
    """A prior that looks at images through the model's own encoder, such as a VampPrior."""

    def bind(self, image: ImageShape, posterior: Callable[[Tensor], Posterior]) -> None:
        """Called once, when the model is put together and before anything else.

        ``posterior`` gives q(z|x) of images (B, C, H, W) in [0, 1], with the encoder's weights
        of the moment. Parameters made here are drawn by the seed, trained and saved; those of
        the encoder stay the encoder's, since ``posterior`` is a function and no module.
        """


class LossModule(Protocol):
    """The training objective. An ``nn.Module``."""

    def __call__(
        self,
        model: VAE,
        images: Tensor,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """Terms of images (B, C, H, W) in [0, 1], each (B,), nats.

        ``weights`` holds the loss's real-valued fields at their scheduled values. The result
        has at least ``objective`` (minimised), ``reconstruction`` (−log p(x|z)) and ``kl``.
        """


@dataclass(frozen=True)
class Figure:
    """One evaluated number with everything needed to read it.

    ``about`` is its description by the metric, and ``likelihood_caveat`` what the likelihood says
    against reading it as made of log-probabilities: vaezoo adds both after ``compute``. Entries
    written before figures were described have none.
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
        """Its name for people."""
        return self.about.label if self.about else self.name.replace("_", " ")

    @property
    def role(self) -> str | None:
        """Which quantity of every VAE it is; by its name where it does not describe itself."""
        return self.about.role if self.about else self.name


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: means over examples in nats. ``train`` is a running mean over the epoch,
    ``validation`` is taken after it; both hold objective, reconstruction, kl and elbo, where
    ``elbo`` is −(reconstruction + kl) whatever the objective weighs."""

    epoch: int
    train: dict[str, float]
    validation: dict[str, float] | None
    weights: dict[str, float]
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class EvaluationContext:
    """What a metric or visualizer looks at: a trained model and a split of its data.

    ``model`` is in evaluation mode, on its device; ``split`` stays in host memory, and so does
    ``training``, the training split with the held-out images, for what is fitted to latents.
    ``advance`` is called with the number of examples just dealt with.
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
        """A trained model before the test split of its spec's data."""
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
        """A trained model whose images cannot be loaded: the split is empty."""
        import torch

        blank = Split(torch.zeros(0, *model.image_shape, dtype=torch.uint8))
        nothing = ImageData(blank, blank, (), "")
        return replace(cls.of_test(model, nothing, history), training=None)

    def generator(self) -> torch.Generator:
        """A fresh generator on the model's device, seeded alike at each call."""
        import torch

        return torch.Generator(self.model.device).manual_seed(self.seed)


@dataclass(frozen=True)
class RunInfo:
    """What the run hooks see.

    ``model`` is the one that trains, with its weights of the moment; ``data`` are the images of
    the spec in host memory. ``epochs_done`` is 0 for a new run, more for one that was resumed.
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
        """The first figure called so, such as ``test/elbo``."""
        split, _, name = metric.partition("/")
        return next((f for f in self.figures if (f.split, f.name) == (split, name)), None)

    def of_role(self, role: Role, split: str = "test") -> Figure | None:
        """The first figure on a split that is such a quantity, whatever its metric calls it."""
        return next((f for f in self.figures if (f.split, f.role) == (split, role)), None)


class PublishedEntry(Protocol):
    """A published zoo entry, as ``vaezoo_run_finished`` sees it.

    ``path`` is its folder, ``metrics`` what the evaluator found, ``figures`` its pictures (PNG).
    """

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def figures(self) -> tuple[Path, ...]: ...
