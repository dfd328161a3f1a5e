"""A linear-Gaussian model in float64 whose log p(x) is known exactly."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from vaezoo import VAE, Decoder, Encoder, ImageShape
from vaezoo.model import DiagonalGaussian
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing import small_model

SIZE, LATENT, SCALE = ImageShape(1, 2, 3), 2, 0.5
PIXELS = SIZE.height * SIZE.width


class LinearPosteriorNet(nn.Module):
    """N(A x + b, exp(log_var)); the test sets all three."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(PIXELS, latent)
        self.log_var = nn.Parameter(torch.zeros(latent))

    def forward(self, images: Tensor) -> Tensor:
        mean = self.mean(images.flatten(1))
        return torch.stack((mean, self.log_var.expand_as(mean)), 1)


class LinearPosterior(Encoder, use="linear_posterior"):
    """A posterior that is linear in the image."""

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        return LinearPosteriorNet(output[-1])


class LinearMean(Decoder, use="linear_mean"):
    """W z + b as an image."""

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        return nn.Sequential(nn.Linear(latents[0], PIXELS), nn.Unflatten(1, tuple(output)))


def linear_gaussian(posterior_variance: float = 1.0) -> VAE:
    """p(x|z) = N(W z + b, SCALE²) with orthogonal columns in W, so that p(z|x) is diagonal.

    The encoder is p(z|x) itself, its variance multiplied by ``posterior_variance``.
    """
    likelihood = {"use": "gaussian", "scale": SCALE, "mean": "linear"}
    parts: dict[str, Any] = {
        "encoder": LinearPosterior(),
        "decoder": LinearMean(),
        "likelihood": likelihood,
    }
    model = small_model(SIZE, LATENT, **parts).double()
    weight = torch.zeros(PIXELS, LATENT, dtype=torch.float64)
    weight[:3, 0], weight[3:, 1] = 0.9, 0.4
    # p(z|x) = N(S Wᵀ(x − b) / σ², S) with S = (1 + WᵀW / σ²)⁻¹
    variance = 1 / (1 + weight.square().sum(0) / SCALE**2)
    with torch.no_grad():
        model.decoder[0].weight.copy_(weight)
        model.decoder[0].bias.fill_(0.4)
        model.encoder.mean.weight.copy_(variance[:, None] * weight.T / SCALE**2)
        model.encoder.mean.bias.copy_(-model.encoder.mean.weight.sum(1) * 0.4)
        model.encoder.log_var.copy_((variance * posterior_variance).log())
    return model


def log_evidence(model: VAE, images: Tensor) -> Tensor:
    """log N(x; b, W Wᵀ + σ² I) of images (N, C, H, W): (N,)."""
    weight, bias = model.decoder[0].weight.detach(), model.decoder[0].bias.detach()
    covariance = weight @ weight.T + SCALE**2 * torch.eye(PIXELS, dtype=torch.float64)
    return torch.distributions.MultivariateNormal(bias, covariance).log_prob(images.flatten(1))


def uniform_images(count: int) -> Tensor:
    """(count, C, H, W) in [0, 1], float64."""
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, *SIZE, generator=generator, dtype=torch.float64)


def normal_posterior(model: VAE, images: Tensor) -> DiagonalGaussian:
    """q(z|x) of images in [0, 1]."""
    posterior = model.posterior(images)
    assert isinstance(posterior, DiagonalGaussian)
    return posterior


def log_likelihood(model: VAE, images: Tensor, z: Tensor) -> Tensor:
    """log p(x|z) of images in [0, 1]: (B,)."""
    return model.likelihood.log_prob(images, model.decoded(z))
