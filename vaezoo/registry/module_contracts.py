"""The interfaces of the torch modules that components build.

Log-probabilities, KL divergences and objectives are in nats per example, summed over pixels and
latents. Nothing here imports torch at run time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vaezoo.diagnostics import suggest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vaezoo.model import VAE, Inference, LatentDistribution
    from vaezoo.registry.contracts import Batch, ImageShape, TrainingImages

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LatentSpace:
    """The values that a latent variable takes.

    ``support`` is "real", "code" for integers from 0 to ``levels`` − 1, or a name that a plugin
    chooses, such as "sphere". A prior says which it supports.
    """

    shape: Shape
    support: str = "real"
    levels: int | None = None

    @property
    def size(self) -> int:
        """The number of latents."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        return "×".join(map(str, self.shape))


@dataclass(frozen=True)
class Condition:
    """The labels that a model is conditioned on: ``names`` holds the name of each class.

    A label is the index of a name, or −1 for an unknown class.
    """

    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of classes."""
        return len(self.names)

    def number(self, name: str) -> int:
        """The label of a class. Raises ValueError for a name that does not exist."""
        if name not in self.names:
            raise ValueError(f"there is no class {name!r}; {suggest(name, self.names, 'classes')}")
        return self.names.index(name)

    def images(self, shape: ImageShape) -> ImageShape:
        """The shape of images with a channel for each class."""
        return shape._replace(channels=shape.channels + self.size)

    def latents(self, shape: Shape) -> Shape:
        """The shape of a decoder's input with a one-hot code appended along its first axis."""
        return (shape[0] + self.size, *shape[1:])


class LikelihoodModule(Protocol):
    """p(x|z), given the decoder's output ``parameters`` (B, P·C, H, W). An ``nn.Module``."""

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """log p(x|z) of images (B, C, H, W) in [0, 1]: (B,), nats, float32."""

    def mean(self, parameters: Tensor) -> Tensor:
        """E[x|z]: (B, C, H, W), in [0, 1] if the family allows it."""


class PosteriorModule(Protocol):
    """The family of q(z|x). An ``nn.Module``; flows and codebooks have parameters."""

    def __call__(self, parameters: Tensor) -> LatentDistribution:
        """q(z|x), given the encoder's output ``parameters`` (B, *output)."""

    def features(self, z: Tensor) -> Tensor:
        """The decoder's input for z (B, *latent): (B, *decoder_input)."""


class PriorModule(Protocol):
    """p(z). An ``nn.Module``."""

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) of z (B, *latent): (B,), nats."""

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` draws: (count, *latent), on the generator's device."""

    def kl(self, posterior: LatentDistribution) -> Tensor | None:
        """KL(q || p) in closed form, (B, D), nats; the sum over D is the KL of an example.

        D is the number of latents if the KL of each latent is known. None without a closed form
        for this family of q: the KL is then estimated from draws of z.
        """


class ConditionalPriorModule(Protocol):
    """p(z|y), of a prior that declares ``conditional``. An ``nn.Module``.

    ``labels`` (B,) is int64, −1 for an unknown class.
    """

    def log_prob(self, z: Tensor, labels: Tensor) -> Tensor:
        """log p(z|y) of z (B, *latent): (B,), nats."""

    def sample(self, count: int, generator: torch.Generator, labels: Tensor) -> Tensor:
        """A draw for each of the ``count`` labels: (count, *latent), on the generator's device."""

    def kl(self, posterior: LatentDistribution, labels: Tensor) -> Tensor | None:
        """KL(q || p(z|y)) in closed form, see ``PriorModule``."""


@runtime_checkable
class BoundPrior(PriorModule, Protocol):
    """A prior that uses the model's own encoder, such as a VampPrior."""

    def bind(self, image: ImageShape, posterior: Callable[[Tensor], LatentDistribution]) -> None:
        """Called once, when the model is built, before any other method.

        ``posterior`` maps images (B, C, H, W) in [0, 1] to q(z|x), with the encoder's current
        weights. Parameters created here are initialized by the seed, trained and saved. Those of
        the encoder are not registered again, because ``posterior`` is a function.
        """


@runtime_checkable
class InitializedByData(Protocol):
    """A module of a part or a loss, or one inside it, that learns from the training images."""

    def init_from_data(self, data: TrainingImages) -> None:
        """Called once before training, without gradients, when all modules are built.

        ``data`` gives the number of images, their mean, classes, labels, and images by index.
        torch's global generator is seeded. Shapes must not depend on ``data``: it is not called
        when a trained model is loaded, whose weights replace initial values.
        """


class TopologyModule(Protocol):
    """How latent variables depend on each other. An ``nn.Module``.

    It uses the parts of ``model`` (encoder, family, prior) and may own more. A conditional prior
    needs a topology whose component declares ``conditional``. Then ``infer`` and ``sample`` get
    ``labels`` (B,) too, for ``model.prior_given(labels)``.
    """

    def posterior(self, model: VAE, encoded: Tensor) -> LatentDistribution:
        """q of the latent that the decoder receives, given the encoder's output (B, *output)."""

    def infer(
        self, model: VAE, encoded: Tensor, generator: torch.Generator, samples: int
    ) -> Inference:
        """``samples`` draws of every latent, given the encoder's output (B, *output)."""

    def sample(self, model: VAE, count: int, generator: torch.Generator) -> Tensor:
        """``count`` draws from the prior of the latent that the decoder receives."""


class SamplerModule(Protocol):
    """How new latents are drawn. An ``nn.Module`` whose tensors are stored in the entry."""

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` latents for the decoder: (count, *latent), on the generator's device."""


@runtime_checkable
class BoundSampler(SamplerModule, Protocol):
    """A sampler that uses q(z|x) of its model."""

    def bind(self, posterior: Callable[[Tensor], LatentDistribution]) -> None:
        """Called once, when a model receives it.

        ``posterior`` maps the encoder's output (B, *output) to q(z|x).
        """


class LossModule(Protocol):
    """The training objective. An ``nn.Module``."""

    def __call__(
        self,
        model: VAE,
        batch: Batch,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """Terms of a batch of images in [0, 1], each (B,), nats.

        ``model.trace(batch, generator)`` gives what the objective is made of. ``weights`` holds
        the current values of the loss's real-valued fields. The result has at least
        ``objective`` (minimized), ``reconstruction`` (−log p(x|z)) and ``kl``. A loss with players
        also returns ``player.NAME``, the objective of each: it moves only that player's
        parameters, and ``objective`` only those of the model.
        """
