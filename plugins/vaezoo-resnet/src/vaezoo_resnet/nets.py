"""The networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
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
    """Stages that halve the image, flattening, then a linear layer for each parameter of q(z|x)."""

    def __init__(
        self,
        *,
        image: ImageShape,
        channels: Sequence[int],
        heights: Sequence[int],
        widths: Sequence[int],
        blocks: int,
        output: Sequence[int],
        parts: Parts,
    ) -> None:
        """``output`` is (P, *latent) for P parameters per latent, or (P,) for one vector."""
        super().__init__()
        self.output = tuple(output)
        layers: list[nn.Module] = []
        for before, after in pairwise((image.channels, *channels)):
            layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            layers += [ResidualBlock(after, parts) for _ in range(blocks)]
        self.stages = nn.Sequential(*layers, *parts.activated(channels[-1]), nn.Flatten())
        features = channels[-1] * heights[-1] * widths[-1]
        count = output[0] if len(output) > 1 else 1
        size = math.prod(output) // count
        self.heads = nn.ModuleList(nn.Linear(features, size) for _ in range(count))
        self.register_load_state_dict_pre_hook(_rename_old_weights)  # type: ignore[no-untyped-call]

    def forward(self, images: Tensor) -> Tensor:
        """images (B, C, H, W) -> (B, *output)."""
        features = self.stages(images)
        joined = torch.cat([head(features) for head in self.heads], 1)
        parameters: Tensor = joined.unflatten(1, self.output)
        return parameters


def _rename_old_weights(
    module: nn.Module, state: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Load weights from before the last layers were numbered."""
    for number, name in enumerate(("mean", "log_var")):
        for part in ("weight", "bias"):
            if (old := f"{prefix}{name}.{part}") in state:
                state[f"{prefix}heads.{number}.{part}"] = state.pop(old)


class ResidualDecoderNet(nn.Module):
    """A linear map onto a grid, then stages that double it."""

    def __init__(
        self,
        *,
        latents: Sequence[int],
        channels: Sequence[int],
        heights: Sequence[int],
        widths: Sequence[int],
        blocks: int,
        parts: Parts,
    ) -> None:
        super().__init__()
        grid = (channels[0], heights[0], widths[0])
        layers: list[nn.Module] = [
            nn.Linear(math.prod(latents), grid[0] * grid[1] * grid[2]),
            nn.Unflatten(1, grid),
        ]
        sizes = zip(pairwise(channels), heights[1:], widths[1:], strict=True)
        for (before, after), height, width in sizes:
            layers += [ResidualBlock(before, parts) for _ in range(blocks)]
            layers += parts.activated(before)
            layers.append(Doubling(before, after, height, width))
        self.stages = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, *latents) -> (B, channels[-1], heights[-1], widths[-1])."""
        parameters: Tensor = self.stages(z.flatten(1))
        return parameters
