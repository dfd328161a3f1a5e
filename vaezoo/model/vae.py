"""``VAE``: encoder, decoder, likelihood and prior as one module (Kingma and Welling 2014)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaezoo.data.pixels import to_unit
from vaezoo.registry import ImageShape
from vaezoo.registry.blame import blamed
from vaezoo.registry.contracts import BoundPrior

if TYPE_CHECKING:
    from vaezoo.registry.contracts import LikelihoodModule, PriorModule
    from vaezoo.spec.spec import Spec

#: Bounds of log σ², so that exp is finite in float32 and bfloat16. Useful posteriors are far from
#: them (σ between 3e-7 and 2e4).
LOG_VAR_BOUNDS = (-30.0, 20.0)
_MODULE = "to build its module"
#: Largest number of values that the prior draws, and of latents that are decoded, at once.
_DRAW_LIMIT, _DECODE_LIMIT = 2**26, 1024


@dataclass(frozen=True)
class Posterior:
    """q(z|x), a diagonal Gaussian: ``mean`` and ``log_var``, each (B, latent)."""

    mean: Tensor
    log_var: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw z = μ + σ ε per example: (B, latent)."""
        noise = torch.randn(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_var), noise)

    def log_prob(self, z: Tensor) -> Tensor:
        """log q(z|x) of z (B, latent): (B,), nats."""
        log_two_pi = 1.8378770664093453
        squared = (z - self.mean) ** 2 / torch.exp(self.log_var)
        return -0.5 * (squared + self.log_var + log_two_pi).sum(1)


class VAE(nn.Module):
    """A variational autoencoder. A notebook shows 50 of its samples.

    >>> model = vaezoo.load("fashion_mlp2")
    >>> model.sample(50).shape
    torch.Size([50, 1, 28, 28])
    """

    def __init__(
        self,
        spec: Spec,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: LikelihoodModule,
        prior: PriorModule,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.image_shape: ImageShape = spec.dataset.image_shape
        self.latent = spec.model.latent
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.prior = prior
        if isinstance(prior, BoundPrior):
            prior.bind(self.image_shape, self.posterior)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def posterior(self, images: Tensor) -> Posterior:
        """q(z|x) of float images (B, C, H, W) in [0, 1]."""
        mean, log_var = map(_as_float32, self.encoder(images))
        return Posterior(mean, log_var.clamp(*LOG_VAR_BOUNDS))

    def log_likelihood(self, images: Tensor, z: Tensor) -> Tensor:
        """log p(x|z) of float images (B, C, H, W) given z (B, latent): (B,), nats."""
        return self.likelihood.log_prob(images, self.decoder(z))

    @torch.inference_mode()
    def encode(self, images: Any) -> Tensor:
        """The posterior mean of images (B, C, H, W), uint8 or float in [0, 1]: (B, latent).

        Raises ValueError for another shape, type or range.
        """
        with _evaluating(self):
            return self.posterior(self._as_images(images)).mean

    @torch.inference_mode()
    def decode(self, z: Any) -> Tensor:
        """The mean image of latents z (B, latent): (B, C, H, W) in [0, 1].

        Raises ValueError for another shape.
        """
        latents = torch.as_tensor(z, dtype=torch.float32, device=self.device)
        if latents.ndim != 2 or latents.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(latents.shape)}, expected (B, {self.latent})")
        with _evaluating(self):
            return self.likelihood.mean(self.decoder(latents)).clamp(0, 1)

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
            with _evaluating(self):
                z = self.prior.sample(min(at_once, count - begin), generator)
            for part in z.split(_DECODE_LIMIT):
                yield self.decode(part)

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


def build(spec: Spec, *, seed: int | None = None) -> VAE:
    """The untrained model of a spec on the CPU, initialized with ``seed`` (or the spec's).

    Raises PluginError (VZ303) for a component that fails.
    """
    shape = spec.dataset.image_shape
    parts = spec.model
    per_pixel = parts.likelihood.parameters_per_pixel
    output = ImageShape(per_pixel * shape.channels, shape.height, shape.width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.train.seed if seed is None else seed)
        with blamed(parts.encoder, _MODULE):
            encoder = parts.encoder.build(shape, parts.latent)
        with blamed(parts.decoder, _MODULE):
            decoder = parts.decoder.build(parts.latent, output)
        with blamed(parts.likelihood, _MODULE):
            likelihood = parts.likelihood.build(shape)
        with blamed(parts.prior, _MODULE):
            prior = parts.prior.build(parts.latent)
        return VAE(spec, encoder, decoder, likelihood, prior)
