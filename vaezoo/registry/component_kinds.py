"""The kinds of components, the base classes for plugins."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from vaezoo.registry.component import Component
from vaezoo.registry.contracts import (
    EncodedPicture,
    EvaluationContext,
    Figure,
    ImageClassifier,
    ImageData,
    ImageShape,
)
from vaezoo.registry.fields.schedule import Schedule
from vaezoo.registry.module_contracts import (
    LatentSpace,
    LikelihoodModule,
    LossModule,
    PosteriorModule,
    PriorModule,
    SamplerModule,
    Shape,
    TopologyModule,
)
from vaezoo.registry.needs import HasLocation, NeedsData, SuitsSpec
from vaezoo.registry.self_description import (
    DescribedLikelihood,
    DescribedLoss,
    DescribedMetric,
    DescribedPosterior,
    DescribedPrior,
)

if TYPE_CHECKING:
    import matplotlib.figure
    import torch
    from torch import Tensor, nn, optim

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec, TrainSpec


class Dataset(HasLocation, Component):
    """Images and labels, in a training and a test split."""

    kind = "dataset"

    @property
    @abstractmethod
    def image_shape(self) -> ImageShape:
        """The shape of every image, known without loading any."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, by label; None without labels or if unknown before loading.

        Must be cheap: do not read images. A model with a condition needs them.
        """
        return None

    @property
    def binary(self) -> bool | None:
        """Whether every pixel is 0 or 255; None if unknown."""
        return None

    def problem(self) -> str | None:
        """Why the data cannot be loaded, else None. Must be cheap: do not read images."""
        return None

    @abstractmethod
    def build(self) -> ImageData:
        """Load the images into memory, or map them from a file (``images_on_disk``).

        Raises DataError if that fails.
        """

    def classifier(self) -> ImageClassifier | None:
        """A trained classifier of these images, for figures on samples; None without one."""
        return None


class Encoder(SuitsSpec, Component):
    """Maps images to the parameters of the posterior.

    If it declares ``conditional``, a conditional model calls ``build`` with ``condition``, a
    ``Condition``, besides, and the module with images and labels (B,), −1 for an unknown class.
    Otherwise the images get a channel for each class.
    """

    kind = "encoder"
    #: whether ``build`` takes a ``condition``, and its module labels
    conditional: ClassVar[bool] = False

    def shape_problem(self, image: ImageShape, output: Shape) -> str | None:
        """Why this encoder cannot map such images to such an output, else None. Without torch."""
        return None

    @abstractmethod
    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        """Build a module: images (B, C, H, W) in [0, 1] -> (B, *output).

        ``output`` is (P, *latent) for a posterior of P parameters per latent.
        """


class Posterior(SuitsSpec, DescribedPosterior, Component):
    """The family of q(z|x)."""

    kind = "posterior"

    def shape_problem(self, latent: Shape) -> str | None:
        """Why it has no latents of this shape, else None. Without torch."""
        return None

    def space(self, latent: Shape) -> LatentSpace:
        """The values of z; real numbers by default."""
        return LatentSpace(latent)

    @abstractmethod
    def encoder_output(self, latent: Shape) -> Shape:
        """The shape of its parameters for one example, which the encoder returns."""

    def decoder_input(self, latent: Shape) -> Shape:
        """The shape of what the decoder receives for one example; that of z by default."""
        return latent

    @abstractmethod
    def build(self, latent: Shape) -> PosteriorModule:
        """Build an ``nn.Module`` that returns a distribution, see ``PosteriorModule``."""


class Topology(Component):
    """How latent variables depend on each other. The decoder receives the latent of the spec."""

    kind = "topology"
    #: whether its module takes labels, which a conditional prior needs
    conditional: ClassVar[bool] = False

    def problem(self, posterior: Posterior, latent: Shape) -> str | None:
        """Why it cannot use such a posterior, else None. Without torch."""
        return None

    def encoder_output(self, posterior: Posterior, latent: Shape) -> Shape:
        """The shape of the encoder's output; the parameters of the posterior by default."""
        return posterior.encoder_output(latent)

    def prior_space(self, posterior: Posterior, latent: Shape) -> LatentSpace:
        """The latents of the prior; those of the posterior by default."""
        return posterior.space(latent)

    @abstractmethod
    def build(self, posterior: Posterior, latent: Shape) -> TopologyModule:
        """Build an ``nn.Module``, see ``TopologyModule``."""


class Decoder(SuitsSpec, Component):
    """Maps latents to the parameters of the likelihood.

    If it declares ``conditional``, a conditional model calls ``build`` with ``condition``, a
    ``Condition``, besides, and the module with latents and labels (B,), −1 for an unknown class.
    Otherwise a one-hot code is appended to the latents.
    """

    kind = "decoder"
    #: whether ``build`` takes a ``condition``, and its module labels
    conditional: ClassVar[bool] = False

    def shape_problem(self, latents: Shape, output: ImageShape) -> str | None:
        """Why this decoder cannot map such latents to such an output, else None. Without torch."""
        return None

    @abstractmethod
    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        """Build a module: (B, *latents) -> (B, *output), without a final activation.

        ``output.channels`` is the image's channels times the likelihood's parameters per pixel.
        """


class Likelihood(SuitsSpec, DescribedLikelihood, Component):
    """p(x|z): maps the decoder's output to a mean image and a log-probability."""

    kind = "likelihood"
    #: decoder outputs per pixel and channel
    parameters_per_pixel: ClassVar[int] = 1

    @abstractmethod
    def build(self, image: ImageShape) -> LikelihoodModule:
        """Build an ``nn.Module`` with ``log_prob`` and ``mean``, see ``LikelihoodModule``."""


class Prior(DescribedPrior, Component):
    """p(z), or p(z|y) if it declares ``conditional`` and the model has a condition.

    A conditional model then calls ``build`` with ``condition``, a ``Condition``, besides, and the
    methods of the module with labels, see ``ConditionalPriorModule``.
    """

    kind = "prior"
    #: whether ``build`` takes a ``condition``, and its module labels
    conditional: ClassVar[bool] = False
    #: supports of the latents that it has a density for, see ``LatentSpace``
    supports: ClassVar[tuple[str, ...]] = ("real",)

    def problem(self, posterior: Posterior, space: LatentSpace) -> str | None:
        """Why it does not fit such a posterior, else None. Without torch."""
        if space.support in self.supports:
            return None
        return f"it is for {self.supports[0]} latents, and the latents are {space.support}"

    @abstractmethod
    def build(self, space: LatentSpace) -> PriorModule:
        """Build an ``nn.Module`` with ``log_prob``, ``sample`` and ``kl``, see ``PriorModule``."""


class Loss(SuitsSpec, DescribedLoss, Component):
    """The training objective."""

    kind = "loss"
    #: whether it reads the labels of a batch, which are otherwise only loaded for a condition
    uses_labels: ClassVar[bool] = False
    #: whether the entry stores the players, as they are after the last epoch
    keep_players: ClassVar[bool] = False

    def players(self) -> Mapping[str, Optimizer]:
        """The optimizers of further players by name, such as a discriminator; none by default.

        The module holds the parameters of each in ``players[name]`` of an ``nn.ModuleDict``.
        """
        return {}

    @property
    def weights(self) -> dict[str, float | Schedule]:
        """The real-valued fields; training passes their current values to the module."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: v for name, v in values.items() if isinstance(v, float | Schedule)}

    @abstractmethod
    def build(self) -> LossModule:
        """Build an ``nn.Module`` that returns per-example terms, see ``LossModule``."""


class Optimizer(SuitsSpec, Component):
    """The optimizer of the parameters. Subclasses have a field ``lr``, a number or a schedule."""

    kind = "optimizer"
    lr: float | Schedule

    def highest_lr(self, plan: TrainSpec) -> float | None:
        """The lowest learning rate known to fail in such training; None if unknown."""
        return None

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter], lr: float) -> optim.Optimizer:
        """Build a torch optimizer with the initial learning rate ``lr``."""


class Sampler(NeedsData, Component):
    """How new latents are drawn. Fitted after training, to latents of the training images.

    Its ``data_problem`` is asked with ``data.train`` images: those that the model trains on.
    """

    kind = "sampler"
    needs: ClassVar[tuple[str, ...]] = ()
    #: supports of the latents that it draws, see ``LatentSpace``
    supports: ClassVar[tuple[str, ...]] = ("real",)
    #: whether its module has tensors that ``fit`` determines
    needs_fit: ClassVar[bool] = True
    #: what ``fit`` receives of each image: a draw of q(z|x), its mean, or the encoder's output
    latents: ClassVar[Literal["draws", "means", "encoded"]] = "draws"

    @property
    def most_images(self) -> int | None:
        """The largest number of images to fit to, chosen by the seed; None for all."""
        return None

    def problem(self, spec: Spec) -> str | None:
        """Why it does not suit such a model, in one sentence, else None. Without torch."""
        space = spec.model.posterior.space(spec.model.latent_shape)
        if space.support in self.supports:
            return None
        return f"it draws {' or '.join(self.supports)} latents, not {space.support} ones"

    def unavailable(self) -> str | None:
        """Why it cannot be fitted here, such as a missing package, else None. Must be cheap."""
        return None

    @abstractmethod
    def build(self, space: LatentSpace) -> SamplerModule | None:
        """Build an ``nn.Module`` to load tensors into, see ``SamplerModule``. None for the prior.

        Must not allocate tensors whose size depends on parameters: entries come from others.
        """

    def fit(
        self, latents: Tensor, labels: Tensor | None, model: VAE, generator: torch.Generator
    ) -> SamplerModule:
        """A module fitted to ``latents`` of N training images, whose tensors ``build`` can load.

        ``latents`` is (N, *latent) for draws and means, (N, *output) for the encoder's output, in
        host memory; ``labels`` is (N,), None if there are none. ``model`` is in evaluation mode.
        torch's global generator is seeded too.
        """
        raise TypeError(f"{type(self).__name__}: define fit, or set needs_fit to False")


class Metric(NeedsData, SuitsSpec, DescribedMetric, Component):
    """Figures of a trained model on a split."""

    kind = "metric"

    @abstractmethod
    def compute(self, context: EvaluationContext) -> list[Figure]:
        """Compute the figures of ``context.model`` on ``context.split``."""


class Visualizer(NeedsData, Component):
    """A picture of a trained model and its data."""

    kind = "visualizer"
    #: whether reports show it; false if reports have their own plot of the same data
    in_reports: ClassVar[bool] = True

    def problem(self, spec: Spec) -> str | None:
        """Why the picture does not suit such a model, in one sentence, else None."""
        return None

    @abstractmethod
    def draw(self, context: EvaluationContext) -> matplotlib.figure.Figure | EncodedPicture:
        """Draw a matplotlib figure, without pyplot to avoid global state, or encode a picture."""


KINDS: dict[str, type[Component]] = {
    kind.kind: kind
    for kind in (
        Dataset,
        Encoder,
        Posterior,
        Topology,
        Decoder,
        Likelihood,
        Prior,
        Loss,
        Optimizer,
        Sampler,
        Metric,
        Visualizer,
    )
}
