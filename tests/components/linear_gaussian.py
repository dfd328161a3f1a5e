"""A linear-Gaussian VAE, whose log p(x) is known exactly, to hold estimators against."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from tests.helpers import Blobs, registry_with, spec_data
from vaezoo.model import VAE, DiagonalGaussian, LatentDistribution, build
from vaezoo.registry import Decoder, Encoder, EvaluationContext, ImageShape, Prior, Split
from vaezoo.registry.module_contracts import LatentSpace, PriorModule, Shape
from vaezoo.spec import from_data

PIXELS, LATENT, SCALE = 36, 3, 0.5


class LinearPosteriorNet(nn.Module):
    """N(A (x − b), exp(log_var)); A, b and log_var are set by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(LATENT, PIXELS))
        self.shift = nn.Parameter(torch.zeros(PIXELS))
        self.log_var = nn.Parameter(torch.zeros(LATENT))

    def forward(self, images: Tensor) -> Tensor:
        mean = (images.flatten(1) - self.shift) @ self.matrix.T
        return torch.stack((mean, self.log_var.expand_as(mean)), 1)


class LinearPosterior(Encoder, use="linear_posterior"):
    """A posterior that is linear in the image."""

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        return LinearPosteriorNet()


class CountingLinear(nn.Linear):
    """W z + b as an image; remembers how many latents it was given at each call."""

    def __init__(self) -> None:
        super().__init__(LATENT, PIXELS)
        self.calls: list[int] = []

    def forward(self, z: Tensor) -> Tensor:
        self.calls.append(len(z))
        return super().forward(z).unflatten(1, (1, 6, 6))


class LinearDecoder(Decoder, use="linear"):
    """A mean that is linear in z."""

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        return CountingLinear()


class OpenPriorNet(nn.Module):
    """The standard normal, without saying that its KL has a closed form."""

    def log_prob(self, z: Tensor) -> Tensor:
        return (-0.5 * z**2 - 0.5 * math.log(2 * math.pi)).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, LATENT, generator=generator)

    def kl(self, posterior: LatentDistribution) -> None:
        return None


class OpenPrior(Prior, use="open"):
    """A prior whose KL must be estimated."""

    def build(self, space: LatentSpace) -> PriorModule:
        return OpenPriorNet()


def linear_gaussian(posterior_variance: float = 1.0, **model: Any) -> VAE:
    """p(x|z) = N(W z + b, SCALE²) with orthogonal columns in W, so that p(z|x) is diagonal.

    The encoder is p(z|x) itself, its variance multiplied by ``posterior_variance``.
    """
    parts = {
        "latent": LATENT,
        "encoder": "linear_posterior",
        "decoder": "linear",
        "likelihood": {"use": "gaussian", "scale": SCALE, "mean": "linear"},
        **model,
    }
    registry = registry_with(Blobs, LinearPosterior, LinearDecoder, OpenPrior)
    built = build(from_data(spec_data(model=parts), registry))
    generator = torch.Generator().manual_seed(0)
    orthogonal, _ = torch.linalg.qr(torch.randn(PIXELS, LATENT, generator=generator))
    weight = orthogonal * torch.tensor([1.5, 0.7, 0.2])
    bias = torch.full((PIXELS,), 0.4)
    # p(z|x) = N(S Wᵀ(x − b) / σ², S) with S = (1 + WᵀW / σ²)⁻¹
    variance = 1 / (1 + (weight**2).sum(0) / SCALE**2)
    with torch.no_grad():
        built.decoder.weight.copy_(weight)
        built.decoder.bias.copy_(bias)
        built.encoder.shift.copy_(bias)
        built.encoder.matrix.copy_(variance[:, None] * weight.T / SCALE**2)
        built.encoder.log_var.copy_((variance * posterior_variance).log())
    return built.eval()


def exact_log_evidence(model: VAE, images: Tensor) -> Tensor:
    """log N(x; b, W Wᵀ + σ² I) of uint8 images: (N,), by torch's own multivariate normal."""
    weight, bias = model.decoder.weight.double(), model.decoder.bias.double()
    covariance = weight @ weight.T + SCALE**2 * torch.eye(PIXELS, dtype=torch.float64)
    density = torch.distributions.MultivariateNormal(cast("Tensor", bias), covariance)
    with torch.no_grad():
        return density.log_prob(images.flatten(1).double() / 255)


def context(model: VAE, count: int = 750, **changes: Any) -> EvaluationContext:
    """``count`` images of uniform pixels, the later ones brighter."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 128, (count, 1, 6, 6), generator=generator)
    images += (torch.arange(count) * 127 // count).view(-1, 1, 1, 1)
    split = Split(images.to(torch.uint8))
    return replace(EvaluationContext("m", model.spec, model, split, "test", ()), **changes)


def normal_posterior(model: VAE, images: Tensor) -> DiagonalGaussian:
    """q(z|x) of images in [0, 1]."""
    posterior = model.posterior(images)
    assert isinstance(posterior, DiagonalGaussian)
    return posterior


def log_likelihood(model: VAE, images: Tensor, z: Tensor) -> Tensor:
    """log p(x|z) of images in [0, 1]: (B,)."""
    return model.likelihood.log_prob(images, model.decoded(z))
