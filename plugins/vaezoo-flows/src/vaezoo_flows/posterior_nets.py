"""Modules of the posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaezoo.model import DiagonalGaussian, LatentDistribution, bounded_log_var
from vaezoo_flows.steps import Steps

#: Halvings of an interval: float32 has 24 binary digits.
_BISECTIONS = 40


class Flow(Protocol):
    """An invertible map of latents (B, d)."""

    def forward_with_log_det(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The image of z, and log |det ∂image/∂z|: (B, d), (B,)."""

    def inverse(self, z: Tensor) -> Tensor:
        """The point whose image is z."""


class FlowDistribution(LatentDistribution):
    """A diagonal Gaussian through a flow. ``mean`` is the image of the Gaussian's mean."""

    def __init__(self, base: DiagonalGaussian, flow: Flow) -> None:
        self._base = base
        self._flow = flow
        self._drawn: tuple[Tensor, Tensor] | None = None

    @property
    def mean(self) -> Tensor:
        return self._flow.forward_with_log_det(self._base.mean)[0]

    def sample(self, generator: torch.Generator) -> Tensor:
        start = self._base.sample(generator)
        z, log_det = self._flow.forward_with_log_det(start)
        self._drawn = z, self._base.log_prob(start) - log_det
        return z

    def log_prob(self, z: Tensor) -> Tensor:
        """The density of its latest draw is known; other points are inverted."""
        if self._drawn is not None and z is self._drawn[0]:
            return self._drawn[1]
        start = self._flow.inverse(z)
        return self._base.log_prob(start) - self._flow.forward_with_log_det(start)[1]

    def extremes(self) -> Mapping[str, float]:
        return self._base.extremes()


class PlanarFlow:
    """Planar layers, each with u, w (B, d) and b (B,) of its own for each example."""

    def __init__(self, layers: Sequence[tuple[Tensor, Tensor, Tensor]]) -> None:
        self._layers = [(_invertible(u, w), w, b) for u, w, b in layers]

    def forward_with_log_det(self, z: Tensor) -> tuple[Tensor, Tensor]:
        total = torch.zeros_like(z[:, 0])
        for u, w, b in self._layers:
            bent = torch.tanh((w * z).sum(1) + b)
            total = total + torch.log1p((1 - bent**2) * (w * u).sum(1))
            z = z + u * bent.unsqueeze(1)
        return z, total

    def inverse(self, z: Tensor) -> Tensor:
        """Each layer needs the root of a monotonic function of one number."""
        for u, w, b in reversed(self._layers):
            along, reach = (w * z).sum(1), (w * u).sum(1)
            low, high = along - reach.abs(), along + reach.abs()
            for _ in range(_BISECTIONS):
                middle = 0.5 * (low + high)
                above = middle + reach * torch.tanh(middle + b) > along
                low, high = torch.where(above, low, middle), torch.where(above, middle, high)
            root = (0.5 * (low + high)).detach()
            # one step of Newton's method gives the root its gradient
            bent = torch.tanh(root + b)
            root = root - (root + reach * bent - along) / (1 + reach * (1 - bent**2))
            z = z - u * torch.tanh(root + b).unsqueeze(1)
        return z


def _invertible(u: Tensor, w: Tensor) -> Tensor:
    """Move u so that wᵀu > −1 (Rezende and Mohamed 2015, appendix A.1)."""
    product = (w * u).sum(1, keepdim=True)
    wanted = F.softplus(product) - 1
    return u + (wanted - product) * w / ((w * w).sum(1, keepdim=True) + 1e-8)


class PlanarFamily(nn.Module):
    """Planar flows."""

    def __init__(self, latent: int, layers: int) -> None:
        super().__init__()
        self.latent = latent
        self.layers = layers

    def forward(self, parameters: Tensor) -> FlowDistribution:
        """parameters (B, 2 d + layers · (2 d + 1))."""
        d = self.latent
        mean, log_var = parameters[:, :d], parameters[:, d : 2 * d]
        each = parameters[:, 2 * d :].unflatten(1, (self.layers, 2 * d + 1)).unbind(1)
        layers = [(one[:, :d], one[:, d : 2 * d], one[:, 2 * d]) for one in each]
        return FlowDistribution(
            DiagonalGaussian(mean, bounded_log_var(log_var)), PlanarFlow(layers)
        )

    def features(self, z: Tensor) -> Tensor:
        """z (B, latent) itself."""
        return z


class IAFFamily(nn.Module):
    """Inverse autoregressive flows."""

    def __init__(self, latent: int, steps: int, hidden: Sequence[int], context: int) -> None:
        super().__init__()
        self.latent = latent
        self.steps = Steps(latent, steps, hidden, context=context)

    def forward(self, parameters: Tensor) -> FlowDistribution:
        """parameters (B, 2 d + context)."""
        d = self.latent
        mean, log_var, context = parameters.tensor_split((d, 2 * d), 1)
        base = DiagonalGaussian(mean, bounded_log_var(log_var))
        return FlowDistribution(base, self.steps.given(context))

    def features(self, z: Tensor) -> Tensor:
        """z (B, latent) itself."""
        return z
