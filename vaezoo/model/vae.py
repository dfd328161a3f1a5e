"""``VAE``: the parts of a variational autoencoder as one module (Kingma and Welling 2014)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaezoo.data.pixels import to_unit
from vaezoo.model.distribution import DiagonalGaussianFamily, LatentDistribution
from vaezoo.model.single_site import SingleSite
from vaezoo.model.trace import Trace
from vaezoo.registry.contracts import Batch, ImageShape
from vaezoo.registry.module_contracts import BoundPrior, LatentSpace

if TYPE_CHECKING:
    from vaezoo.registry.module_contracts import (
        LikelihoodModule,
        PosteriorModule,
        PriorModule,
        TopologyModule,
    )
    from vaezoo.spec.spec import Spec

#: Largest number of values that the prior draws, and of latents that are decoded, at once.
_DRAW_LIMIT, _DECODE_LIMIT = 2**26, 1024


class VAE(nn.Module):
    """A variational autoencoder. A notebook shows 50 of its samples.

    >>> model = vaezoo.load("fashion_mlp2")
    >>> model.sample(50).shape
    torch.Size([50, 1, 28, 28])

    Without a spec, it is made of modules: ``VAE((1, 28, 28), 2, encoder, decoder, likelihood,
    prior)``. The encoder then returns (B, 2, latent): means and log-variances.
    """

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
        spec: Spec | None = None,
    ) -> None:
        """``family`` is that of q(z|x), by default diagonal Gaussians."""
        super().__init__()
        self._spec = spec
        self.image_shape = ImageShape(*image_shape)
        self.space = _space(latent)
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.prior = prior
        self.family = family or DiagonalGaussianFamily()
        self.topology = topology or SingleSite()
        if isinstance(prior, BoundPrior):
            prior.bind(self.image_shape, self.posterior)

    @property
    def spec(self) -> Spec:
        """The spec it was built from. Raises AttributeError for a model made of modules."""
        if self._spec is None:
            raise AttributeError("this model was made of modules and has no spec")
        return self._spec

    @spec.setter
    def spec(self, spec: Spec) -> None:
        self._spec = spec

    @property
    def latent(self) -> int:
        """The number of latents that the decoder receives."""
        return self.space.size

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return next(self.parameters()).device

    def encoded(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """The encoder's output for float images (B, C, H, W) in [0, 1]: (B, *output), float32."""
        return _as_float32(self.encoder(images))

    def decoded(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """The decoder's output for its input (B, *decoder_input): (B, P·C, H, W)."""
        output: Tensor = self.decoder(features)
        return output

    def posterior(self, images: Tensor, labels: Tensor | None = None) -> LatentDistribution:
        """q(z|x) of float images (B, C, H, W) in [0, 1]."""
        return self.topology.posterior(self, self.encoded(images, labels))

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
        if encoded is None:
            encoded = self.encoded(*batch)
        inference = self.topology.infer(self, encoded, generator, samples)
        return Trace(self, batch, inference, samples)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """The mean images at the mean of q(z|x): (B, C, H, W), with gradients."""
        z = self.posterior(images, labels).mean
        return self.likelihood.mean(self.decoded(self.family.features(z), labels))

    @torch.inference_mode()
    def encode(self, images: Any) -> Tensor:
        """The posterior mean of images (B, C, H, W), uint8 or float in [0, 1]: (B, *latent).

        Raises ValueError for another shape, type or range.
        """
        with _evaluating(self):
            return self.posterior(self._as_images(images)).mean

    @torch.inference_mode()
    def decode(self, z: Any) -> Tensor:
        """The mean image of latents z (B, *latent): (B, C, H, W) in [0, 1].

        Raises ValueError for another shape.
        """
        dtype = torch.float32 if self.space.levels is None else torch.int64
        latents = torch.as_tensor(z, dtype=dtype, device=self.device)
        if latents.shape[1:] != self.space.shape:
            raise ValueError(
                f"z has shape {tuple(latents.shape)}, expected "
                f"(B, {', '.join(map(str, self.space.shape))})"
            )
        with _evaluating(self):
            parameters = self.decoded(self.family.features(latents))
            return self.likelihood.mean(parameters).clamp(0, 1)

    def sample(self, count: int = 1, *, seed: int = 0) -> Tensor:
        """Mean images of ``count`` latents drawn from the prior: (count, C, H, W) in [0, 1]."""
        return torch.cat(list(self.sample_in_blocks(count, seed=seed)))

    @torch.inference_mode()
    def sample_in_blocks(self, count: int, *, seed: int = 0) -> Iterator[Tensor]:
        """The images of ``sample``, at most 1,024 at a time, in nearly constant memory.

        The prior draws at most 2²⁶ numbers at once.
        """
        if count < 1:
            raise ValueError(f"count is {count}, expected at least 1")
        generator = torch.Generator(self.device).manual_seed(seed)
        at_once = max(_DRAW_LIMIT // self.latent, _DECODE_LIMIT)
        for begin in range(0, count, at_once):
            z = self.draw(min(at_once, count - begin), generator)
            for part in z.split(_DECODE_LIMIT):
                yield self.decode(part)

    @torch.inference_mode()
    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` draws from the prior of the latent that the decoder receives."""
        with _evaluating(self):
            return self.topology.sample(self, count, generator)

    @torch.inference_mode()
    def reconstruct(self, images: Any) -> Tensor:
        """The mean image at the posterior mean of each image: (B, C, H, W) in [0, 1]."""
        return self.decode(self.encode(images))

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


class _evaluating:
    """Evaluation mode inside the block, then each module's mode as before.

    In training mode, batch normalization would make a sample depend on the others.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def __enter__(self) -> None:
        self._modes = [(part, part.training) for part in self._model.modules()]
        self._model.eval()

    def __exit__(self, *_: object) -> None:
        for part, was_training in self._modes:
            part.training = was_training
