"""The networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from vaezoo import ImageShape


@dataclass(frozen=True)
class Parts:
    """What all layers of a network have in common."""

    groups: int
    activation: Callable[[], nn.Module]

    def activated(self, channels: int) -> list[nn.Module]:
        """Normalisation and activation of (B, channels, H, W)."""
        return [nn.GroupNorm(self.groups, channels), self.activation()]


class ResidualBlock(nn.Module):
    """x + f(x), where f is two convolutions, each behind normalisation and activation."""

    def __init__(self, channels: int, parts: Parts) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        # Every block begins as the identity (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
        nn.init.zeros_(last.weight)
        self.change = nn.Sequential(
            *parts.activated(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            *parts.activated(channels),
            last,
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, H, W) -> the same shape."""
        changed: Tensor = features + self.change(features)
        return changed


class Doubling(nn.Module):
    """Four features for each one that comes out, laid out in squares, then cut to the size."""

    def __init__(self, before: int, after: int, height: int, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 4 * after, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.height, self.width = height, width

    def forward(self, features: Tensor) -> Tensor:
        """(B, before, ⌈height / 2⌉, ⌈width / 2⌉) -> (B, after, height, width)."""
        doubled: Tensor = self.shuffle(self.convolution(features))
        return doubled[..., : self.height, : self.width]


class ResidualEncoderNet(nn.Module):
    """Stages that halve the image, flattening, then (mean, log_var)."""

    def __init__(
        self,
        *,
        image: ImageShape,
        channels: Sequence[int],
        heights: Sequence[int],
        widths: Sequence[int],
        blocks: int,
        latent: int,
        parts: Parts,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((image.channels, *channels)):
            layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            layers += [ResidualBlock(after, parts) for _ in range(blocks)]
        self.stages = nn.Sequential(*layers, *parts.activated(channels[-1]), nn.Flatten())
        features = channels[-1] * heights[-1] * widths[-1]
        self.mean = nn.Linear(features, latent)
        self.log_var = nn.Linear(features, latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (B, C, H, W) -> (mean, log_var), each (B, latent)."""
        features = self.stages(images)
        return self.mean(features), self.log_var(features)


class ResidualDecoderNet(nn.Module):
    """A linear map onto a grid, then stages that double it."""

    def __init__(
        self,
        *,
        latent: int,
        channels: Sequence[int],
        heights: Sequence[int],
        widths: Sequence[int],
        blocks: int,
        parts: Parts,
    ) -> None:
        super().__init__()
        grid = (channels[0], heights[0], widths[0])
        layers: list[nn.Module] = [
            nn.Linear(latent, grid[0] * grid[1] * grid[2]),
            nn.Unflatten(1, grid),
        ]
        sizes = zip(pairwise(channels), heights[1:], widths[1:], strict=True)
        for (before, after), height, width in sizes:
            layers += [ResidualBlock(before, parts) for _ in range(blocks)]
            layers += parts.activated(before)
            layers.append(Doubling(before, after, height, width))
        self.stages = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, latent) -> (B, channels[-1], heights[-1], widths[-1])."""
        parameters: Tensor = self.stages(z)
        return parameters
