"""Modules of multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from vaezoo.registry import ImageShape


def stack(widths: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Linear layers through ``widths``, each followed by the activation."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers)


class PosteriorHead(nn.Module):
    """Two linear layers, to the mean and to the log-variance."""

    def __init__(self, features: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(features, latent)
        self.log_var = nn.Linear(features, latent)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features (B, F) -> (mean, log_var), each (B, latent)."""
        return self.mean(features), self.log_var(features)


class MLPEncoderNet(nn.Module):
    """Images -> hidden layers -> (mean, log_var)."""

    def __init__(
        self,
        pixels: int,
        hidden: Sequence[int],
        latent: int,
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.body = stack((pixels, *hidden), activation)
        self.head = PosteriorHead(hidden[-1], latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (B, C, H, W) -> (mean, log_var), each (B, latent)."""
        features = self.body(images.flatten(1))
        mean, log_var = self.head(features)
        return mean, log_var


class MLPDecoderNet(nn.Module):
    """Latents -> hidden layers -> likelihood parameters."""

    def __init__(
        self,
        latent: int,
        hidden: Sequence[int],
        output: ImageShape,
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.body = stack((latent, *hidden), activation)
        self.head = nn.Linear(hidden[-1], output.channels * output.height * output.width)
        self.output = output

    def forward(self, z: Tensor) -> Tensor:
        """z (B, latent) -> (B, *output)."""
        parameters: Tensor = self.head(self.body(z)).unflatten(1, self.output)
        return parameters
