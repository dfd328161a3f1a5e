"""``VAE``: the parts of a variational autoencoder as one module (Kingma and Welling 2014)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaezoo.data.pixels import to_unit
from vaezoo.model.condition import LabelledPrior, Labels, as_labels, labels_in_turn, unknown
from vaezoo.model.distribution import DiagonalGaussianFamily, LatentDistribution
from vaezoo.model.evaluation_mode import evaluation_mode
from vaezoo.model.single_site import SingleSite
from vaezoo.model.trace import Trace
from vaezoo.registry.contracts import Batch, ImageShape
from vaezoo.registry.module_contracts import BoundPrior, BoundSampler, Condition, LatentSpace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vaezoo.registry.module_contracts import (
        LikelihoodModule,
        PosteriorModule,
        PriorModule,
        SamplerModule,
        TopologyModule,
    )
    from vaezoo.spec.spec import Spec

#: Largest number of values that the prior draws, and of latents that are decoded, at once.
_DRAW_LIMIT, _DECODE_LIMIT = 2**26, 1024
#: The name to draw samples from the prior.
PRIOR = "prior"
_NO_CONDITION = "this model has no condition, so it takes no labels"


#: The attribute that holds each part of a spec's model.
PARTS = {
    "encoder": "encoder",
    "posterior": "family",
    "topology": "topology",
    "decoder": "decoder",
    "likelihood": "likelihood",
    "prior": "prior",
}


class VAE(nn.Module):
    """A variational autoencoder. A notebook shows 50 of its samples.

    >>> model = vaezoo.load("fashion_mlp2")
    >>> model.sample(50).shape
    torch.Size([50, 1, 28, 28])

    Without a spec, it is made of modules: ``VAE((1, 28, 28), 2, encoder, decoder, likelihood,
    prior)``. The encoder then returns (B, 2, latent): means and log-variances.

    The encoder and decoder of a model with a ``condition`` are called with labels (B,) besides.
    Its methods take ``labels``: names or numbers of classes, one for each example or one for all.
    −1 is an unknown class.

    >>> vaezoo.load("fashion_conditional").sample(50, labels="Sneaker")
    """

    #: the spec it was built from; a model made of modules has none
    spec: Spec

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent: int | tuple[int, ...] | LatentSpace,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: LikelihoodModule,
        prior: PriorModule,
        *,
        family: PosteriorModule | None = None,
        topology: TopologyModule | None = None,
        condition: Condition | None = None,
        spec: Spec | None = None,
    ) -> None:
        """``family`` is that of q(z|x), by default diagonal Gaussians."""
        super().__init__()
        if spec is not None:
            self.spec = spec
        self.condition = condition
        self._frozen: tuple[str, ...] = ()
        self.image_shape = ImageShape(*image_shape)
        self.space = _space(latent)
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.prior = prior
        self.family = family or DiagonalGaussianFamily()
        self.topology = topology or SingleSite()
        bound = prior.module if isinstance(prior, LabelledPrior) else prior
        if isinstance(bound, BoundPrior):
            bound.bind(self.image_shape, self.posterior)
        self.sampler: SamplerModule | None
        self.register_module("sampler", None)
        self.register_module("players", None)
        self._sampler_name = PRIOR

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        # not in a property: nn.Module would replace the message of its AttributeError
        if name == "spec":
            raise AttributeError("this model was made of modules and has no spec")
        return super().__getattr__(name)

    @property
    def latent(self) -> int:
        """The number of latents that the decoder receives."""
        return self.space.size

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.parameters()).device

    def freeze(self, parts: Iterable[str]) -> None:
        """Exclude parts from training: no gradients, and always in evaluation mode.

        ``parts`` are keys of ``PARTS``. In training mode a part would change its buffers.
        """
        self._frozen = tuple(parts)
        for part in self._frozen:
            self.part(part).requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> VAE:
        """Set training or evaluation mode, which frozen parts do not follow."""
        super().train(mode)
        for part in self._frozen:
            self.part(part).eval()
        return self

    def part(self, name: str) -> nn.Module:
        """The module of a part by its key in a spec."""
        module: nn.Module = getattr(self, PARTS[name])
        return module

    def encoded(self, images: Tensor, labels: Labels | None = None) -> Tensor:
        """The encoder's output for float images (B, C, H, W) in [0, 1]: (B, *output), float32.

        Here and in ``decoded``, ``posterior`` and ``trace``, a model without a condition ignores
        labels, and one with a condition takes their absence for unknown classes. Tensors are not
        checked.
        """
        return _as_float32(self.encoder(images, *self._inputs(labels, len(images))))

    def decoded(self, features: Tensor, labels: Labels | None = None) -> Tensor:
        """The decoder's output for its input (B, *decoder_input): (B, P·C, H, W)."""
        output: Tensor = self.decoder(features, *self._inputs(labels, len(features)))
        return output

    def prior_given(self, labels: Tensor | None) -> PriorModule:
        """p(z|y) of labels (B,) for a conditional prior; else p(z)."""
        if isinstance(self.prior, LabelledPrior) and labels is not None:
            return self.prior.given(labels)
        return self.prior

    def posterior(self, images: Tensor, labels: Labels | None = None) -> LatentDistribution:
        """q(z|x) of float images (B, C, H, W) in [0, 1], or q(z|x, y)."""
        return self.posterior_of(self.encoded(images, labels))

    def posterior_of(self, encoded: Tensor) -> LatentDistribution:
        """q(z|x), given the encoder's output (B, *output)."""
        return self.topology.posterior(self, encoded)

    def set_sampler(self, name: str, sampler: SamplerModule | None) -> None:
        """Draw samples by ``sampler``, or from the prior where it is None."""
        if isinstance(sampler, BoundSampler):
            sampler.bind(self.posterior_of)
        self.sampler, self._sampler_name = sampler, name if sampler is not None else PRIOR

    def set_players(self, players: Mapping[str, nn.Module]) -> None:
        """Store the players of its loss with it, by name, as ``players``."""
        self.players = nn.ModuleDict(players)

    @property
    def drawn_from(self) -> str:
        """Where samples come from, in words."""
        return "from the prior" if self.sampler is None else f"by the sampler {self._sampler_name}"

    @property
    def samplers(self) -> tuple[str, ...]:
        """The names of what can draw samples, the default first."""
        return tuple(dict.fromkeys((self._sampler_name, PRIOR)))

    def trace(
        self,
        batch: Batch,
        generator: torch.Generator,
        *,
        samples: int = 1,
        encoded: Tensor | None = None,
    ) -> Trace:
        """``samples`` draws of all latents for each float image in [0, 1], and their densities.

        ``encoded`` (B, *output) is the encoder's output, if it is known.
        """
        if self.condition is not None:
            batch = Batch(batch.images, *self._inputs(batch.labels, len(batch.images)))
        if encoded is None:
            encoded = self.encoded(*batch)
        given = self._of_prior(batch.labels)
        inference = self.topology.infer(self, encoded, generator, samples, **given)
        return Trace(self, batch, inference, samples)

    def forward(self, images: Tensor, labels: Labels | None = None) -> Tensor:
        """The mean images at the mean of q(z|x): (B, C, H, W), with gradients."""
        z = self.posterior(images, labels).mean
        return self.likelihood.mean(self.decoded(self.family.features(z), labels))

    @torch.inference_mode()
    def encode(self, images: Any, labels: Labels | None = None) -> Tensor:
        """The posterior mean of images (B, C, H, W), uint8 or float in [0, 1]: (B, *latent).

        Raises ValueError for another shape, type or range, and for labels that are missing or do
        not exist.
        """
        batch = self._as_images(images)
        with evaluation_mode(self):
            return self.posterior(batch, self._checked(labels, len(batch))).mean

    @torch.inference_mode()
    def decode(self, z: Any, labels: Labels | None = None) -> Tensor:
        """The mean image of latents z (B, *latent): (B, C, H, W) in [0, 1].

        Raises ValueError for another shape, and for labels that are missing or do not exist.
        """
        dtype = torch.float32 if self.space.levels is None else torch.int64
        latents = torch.as_tensor(z, dtype=dtype, device=self.device)
        if latents.shape[1:] != self.space.shape:
            raise ValueError(
                f"z has shape {tuple(latents.shape)}, expected "
                f"(B, {', '.join(map(str, self.space.shape))})"
            )
        given = self._checked(labels, len(latents))
        with evaluation_mode(self):
            parameters = self.decoded(self.family.features(latents), given)
            return self.likelihood.mean(parameters).clamp(0, 1)

    def sample(
        self,
        count: int = 1,
        *,
        labels: Labels | None = None,
        seed: int = 0,
        sampler: str | None = None,
    ) -> Tensor:
        """Mean images of ``count`` new latents: (count, C, H, W) in [0, 1].

        They are drawn by the model's sampler, or by the named one of ``samplers``. Without labels,
        a model with a condition samples each class in turn. Raises ValueError for another name,
        for a class that does not exist, and for labels where the model has no condition.
        """
        blocks = self.sample_in_blocks(count, labels=labels, seed=seed, sampler=sampler)
        return torch.cat(list(blocks))

    @torch.inference_mode()
    def sample_in_blocks(
        self,
        count: int,
        *,
        labels: Labels | None = None,
        seed: int = 0,
        sampler: str | None = None,
    ) -> Iterator[Tensor]:
        """The images of ``sample``, at most 1,024 at a time, in nearly constant memory.

        The prior draws at most 2²⁶ numbers at once.
        """
        if count < 1:
            raise ValueError(f"count is {count}, expected at least 1")
        given = self.labels_to_sample(count, labels)
        generator = torch.Generator(self.device).manual_seed(seed)
        at_once = max(_DRAW_LIMIT // self.latent, _DECODE_LIMIT)
        for begin in range(0, count, at_once):
            end = min(begin + at_once, count)
            rows = None if given is None else given[begin:end]
            z = self.draw(end - begin, generator, rows, sampler=sampler)
            for first in range(0, len(z), _DECODE_LIMIT):
                part = slice(first, first + _DECODE_LIMIT)
                yield self.decode(z[part], None if rows is None else rows[part])

    def labels_to_sample(self, count: int, labels: Labels | None = None) -> Tensor | None:
        """The labels of ``count`` samples, (count,); None for a model without a condition.

        By default those of each class in turn. Raises ValueError as ``sample`` does.
        """
        if self.condition is None:
            if labels is not None:
                raise ValueError(_NO_CONDITION)
            return None
        if labels is None:
            return labels_in_turn(self.condition, count, self.device)
        return as_labels(labels, self.condition, count, self.device)

    @torch.inference_mode()
    def draw(
        self,
        count: int,
        generator: torch.Generator,
        labels: Tensor | None = None,
        *,
        sampler: str | None = None,
    ) -> Tensor:
        """``count`` new latents for the decoder, drawn as those of ``sample``.

        ``labels`` (count,) are those of a conditional prior; others ignore them.
        """
        name = sampler or self._sampler_name
        if name not in self.samplers:
            raise ValueError(f"there is no sampler {name!r}; expected {' or '.join(self.samplers)}")
        with evaluation_mode(self):
            if self.sampler is None or name != self._sampler_name:
                return self.topology.sample(self, count, generator, **self._of_prior(labels))
            parts = [
                self.sampler.sample(min(_DECODE_LIMIT, count - begin), generator)
                for begin in range(0, count, _DECODE_LIMIT)
            ]
            return torch.cat(parts)

    @torch.inference_mode()
    def reconstruct(self, images: Any, labels: Labels | None = None) -> Tensor:
        """The mean image at the posterior mean of each image: (B, C, H, W) in [0, 1]."""
        return self.decode(self.encode(images, labels), labels)

    def _inputs(self, labels: Labels | None, count: int) -> tuple[Tensor, ...]:
        """The labels as a further input of encoder and decoder; nothing without a condition."""
        if self.condition is None:
            return ()
        if labels is None:
            return (unknown(count, self.device),)
        if isinstance(labels, Tensor):
            return (labels,)
        return (as_labels(labels, self.condition, count, self.device),)

    def _of_prior(self, labels: Tensor | None) -> Mapping[str, Any]:
        """The labels as an argument of the topology, for a conditional prior."""
        return {"labels": labels} if isinstance(self.prior, LabelledPrior) else {}

    def _checked(self, labels: Labels | None, count: int) -> Tensor | None:
        """Labels that a person gives. Raises ValueError where they are missing or do not exist.

        Those of a batch are a tensor, which a model without a condition ignores.
        """
        if self.condition is None:
            if labels is None or isinstance(labels, Tensor):
                return None
            raise ValueError(_NO_CONDITION)
        if labels is None:
            raise ValueError(
                "this model is conditioned on labels: give labels, by name or number, "
                "or −1 for an unknown class"
            )
        return as_labels(labels, self.condition, count, self.device)

    def _as_images(self, images: Any) -> Tensor:
        # torch.tensor copies: from_numpy warns about read-only arrays, such as pixels from a file
        batch = images if isinstance(images, Tensor) else torch.tensor(images)
        if batch.shape[1:] != tuple(self.image_shape):
            raise ValueError(
                f"images have shape {tuple(batch.shape)}, expected (B, "
                f"{', '.join(map(str, self.image_shape))})"
            )
        batch = to_unit(batch.to(self.device))
        if batch.numel() and not (batch.min() >= 0 and batch.max() <= 1):
            raise ValueError("images must be uint8, or float between 0 and 1")
        return batch

    def explore(self, other: VAE | None = None) -> Any:
        """A page in which one moves through its latents; with ``other``, that of two models.

        A notebook shows it, and ``model.explore().save("page.html")`` writes it.
        """
        import vaezoo  # the public interface: pages are made on a higher floor

        return vaezoo.explore_model(self, other)

    def _repr_png_(self) -> bytes:
        from vaezoo.data.image_grid import png

        return png(self.sample(50))


def _space(latent: int | tuple[int, ...] | LatentSpace) -> LatentSpace:
    if isinstance(latent, LatentSpace):
        return latent
    return LatentSpace((latent,) if isinstance(latent, int) else tuple(latent))


def _as_float32(values: Tensor) -> Tensor:
    """Convert an encoder's bfloat16 output: a KL and draws of z in it would bias the objective."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
