"""Likelihood modules, always in float32: bfloat16 is too coarse for a sum over all pixels."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn


class _CrossEntropy(torch.autograd.Function):
    """Σ log(1 + e^η) − xη over pixels, for logits η and x in [0, 1], with an explicit gradient.

    PyTorch's function is not vectorized on a CPU, because of log1p, and takes a fifth of a
    training step. log(1 + e^−|η|) is vectorized, and its error per pixel is below one unit in the
    last place of 1, because its argument is between 1 and 2.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, images: Tensor) -> Tensor:
        softplus = logits.abs().neg_().exp_().add_(1).log_().add_(logits.clamp(min=0))
        return softplus.addcmul_(logits, images, value=-1).flatten(1).sum(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        logits, images = ctx.saved_tensors
        shape = (-1,) + (1,) * (logits.ndim - 1)
        return (torch.sigmoid(logits) - images) * gradient.reshape(shape), None


def cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """Binary cross-entropy of logits and images (B, C, H, W), summed over pixels: (B,), nats."""
    total: Tensor = _CrossEntropy.apply(logits, images.to(logits.dtype))
    return total


class BernoulliNet(nn.Module):
    """Logits; x log p + (1 − x) log(1 − p)."""

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """images, parameters (B, C, H, W) -> (B,), nats."""
        return -cross_entropy(_at_least_float32(parameters), images)

    def mean(self, parameters: Tensor) -> Tensor:
        """(B, C, H, W) -> the probability of each pixel."""
        return torch.sigmoid(_at_least_float32(parameters))


class ContinuousBernoulliNet(nn.Module):
    """Logits η of λ; log p = log C(λ) + x log λ + (1 − x) log(1 − λ).

    With λ = sigmoid(η), the normalizer is log C = log(η / tanh(η/2)). Near η = 0, where it is
    log 2 and the formula loses digits, a series replaces it.
    """

    #: |η| below which the series replaces the formula; they agree to 1e-8 there
    SERIES_BELOW = 0.05

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """images, parameters (B, C, H, W) -> (B,), nats."""
        logits = _at_least_float32(parameters)
        normalizer = self.log_normalizer(logits).flatten(1).sum(1)
        return normalizer - cross_entropy(logits, images)

    def log_normalizer(self, logits: Tensor) -> Tensor:
        """log C(λ), elementwise."""
        near = logits.abs() < self.SERIES_BELOW
        safe = torch.where(near, torch.ones_like(logits), logits).abs()
        exact = safe.log() - torch.tanh(safe / 2).log()
        # log(η / tanh(η/2)) = log 2 + η²/12 − 7 η⁴/1440 + O(η⁶)
        squared = logits**2
        series = math.log(2) + squared / 12 - 7 * squared**2 / 1440
        return torch.where(near, series, exact)

    def mean(self, parameters: Tensor) -> Tensor:
        """E[x] = λ / (2λ − 1) + 1 / (2 artanh(1 − 2λ)): 1 / (1 − e^−η) − 1/η."""
        logits = _at_least_float32(parameters)
        near = logits.abs() < self.SERIES_BELOW
        safe = torch.where(near, torch.ones_like(logits), logits)
        exact = 1 / -torch.expm1(-safe) - 1 / safe
        return torch.where(near, 0.5 + logits / 12 - logits**3 / 720, exact)


class GaussianNet(nn.Module):
    """Independent normal densities with one scale for all pixels."""

    def __init__(self, scale: float | Literal["learned"], mean: Literal["sigmoid", "linear"]):
        super().__init__()
        start = 0.0 if scale == "learned" else math.log(scale)
        log_scale = torch.tensor(start)
        if scale == "learned":
            self.log_scale: Tensor = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale)
        self._mean = torch.sigmoid if mean == "sigmoid" else nn.Identity()

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """images, parameters (B, C, H, W) -> (B,), nats."""
        mean = self.mean(parameters)
        standardized = (images.to(mean.dtype) - mean) * torch.exp(-self.log_scale)
        per_pixel = -0.5 * standardized**2 - self.log_scale - 0.5 * math.log(2 * math.pi)
        return per_pixel.flatten(1).sum(1)

    def mean(self, parameters: Tensor) -> Tensor:
        """(B, C, H, W) -> the mean of each pixel."""
        mean: Tensor = self._mean(_at_least_float32(parameters))
        return mean


class SquaredErrorNet(nn.Module):
    """−Σ (x − μ)²: the Gaussian with variance ½ without its constant."""

    def __init__(self, mean: Literal["sigmoid", "linear"]) -> None:
        super().__init__()
        self._mean = torch.sigmoid if mean == "sigmoid" else nn.Identity()

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        """images, parameters (B, C, H, W) -> (B,), nats up to the constant."""
        mean = self.mean(parameters)
        return -((images.to(mean.dtype) - mean) ** 2).flatten(1).sum(1)

    def mean(self, parameters: Tensor) -> Tensor:
        """(B, C, H, W) -> the mean of each pixel."""
        mean: Tensor = self._mean(_at_least_float32(parameters))
        return mean


def _at_least_float32(parameters: Tensor) -> Tensor:
    return parameters if parameters.dtype == torch.float64 else parameters.float()
