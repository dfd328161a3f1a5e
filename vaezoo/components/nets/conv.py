"""Modules of the convolutional encoder and the transposed convolutional decoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vaezoo.components.conv_arithmetic import downsampled
from vaezoo.components.nets.mlp import LinearHead, stack
from vaezoo.registry import ImageShape


class GridHead(nn.Module):
    """Convolutions of single pixels to a grid: (B, F, h, w) -> (B, P, h, w) or (B, P, C, h, w).

    With C channels of latents, each of the P parameters has a convolution.
    """

    def __init__(self, features: int, output: Sequence[int]) -> None:
        super().__init__()
        count, channels = (1, output[0]) if len(output) == 3 else (output[0], output[1])
        self.layers = nn.ModuleList(nn.Conv2d(features, channels, 1) for _ in range(count))
        self.is_one = len(output) == 3

    def forward(self, features: Tensor) -> Tensor:
        parts = [layer(features) for layer in self.layers]
        return parts[0] if self.is_one else torch.stack(parts, 1)


class ConvEncoderNet(nn.Module):
    """Convolutions, then a grid, or linear layers and a vector."""

    def __init__(
        self,
        *,
        image: ImageShape,
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        dense: Sequence[int],
        output: Sequence[int],
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        depths = (image.channels, *channels)
        for before, after, kernel, stride in zip(
            depths, depths[1:], kernels, strides, strict=False
        ):
            padding = (kernel - 1) // 2
            layers += [nn.Conv2d(before, after, kernel, stride, padding), activation()]
        self.convolutions = nn.Sequential(*layers)
        height = downsampled(image.height, tuple(kernels), tuple(strides))[-1]
        width = downsampled(image.width, tuple(kernels), tuple(strides))[-1]
        self.to_grid = len(output) > 2 and not dense
        if self.to_grid:
            self.head: nn.Module = GridHead(channels[-1], output)
            return
        widths = (channels[-1] * height * width, *dense)
        self.dense = stack(widths, activation)
        self.head = LinearHead(widths[-1], output)

    def forward(self, images: Tensor) -> Tensor:
        """images (B, C, H, W) -> (B, *output)."""
        features = self.convolutions(images)
        if not self.to_grid:
            features = self.dense(features.flatten(1))
        parameters: Tensor = self.head(features)
        return parameters


class ConvTransposeDecoderNet(nn.Module):
    """A map onto the first grid, then transposed convolutions.

    The map is linear for a vector of latents, a convolution of single pixels for a grid.
    """

    def __init__(
        self,
        *,
        latents: Sequence[int],
        dense: Sequence[int],
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        heights: Sequence[int],
        widths: Sequence[int],
        activation: Callable[[], nn.Module],
        grid_activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.grid = (channels[0], heights[0], widths[0])
        self.from_grid = len(latents) > 1 and not dense
        if self.from_grid:
            self.to_grid: nn.Module = nn.Conv2d(grid_channels(latents), channels[0], 1)
        else:
            features = (math.prod(latents), *dense)
            self.dense = stack(features, activation)
            self.to_grid = nn.Linear(features[-1], channels[0] * heights[0] * widths[0])
        self.grid_activation = grid_activation()
        layers: list[nn.Module] = []
        for index, (kernel, stride) in enumerate(zip(kernels, strides, strict=True)):
            if index:
                layers.append(activation())
            layers.append(
                nn.ConvTranspose2d(
                    channels[index],
                    channels[index + 1],
                    kernel,
                    stride,
                    padding=(kernel - 1) // 2,
                    output_padding=(
                        _remainder(heights[index], heights[index + 1], kernel, stride),
                        _remainder(widths[index], widths[index + 1], kernel, stride),
                    ),
                )
            )
        self.transposed = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, *latents) -> (B, channels[-1], heights[-1], widths[-1])."""
        if self.from_grid:
            grid = self.to_grid(z if z.ndim == 4 else z.unsqueeze(1))
        else:
            grid = self.to_grid(self.dense(z.flatten(1))).unflatten(1, self.grid)
        parameters: Tensor = self.transposed(self.grid_activation(grid))
        return parameters


def grid_channels(latents: Sequence[int]) -> int:
    """The channels of a grid of latents, (C, h, w) or (h, w)."""
    return latents[0] if len(latents) == 3 else 1


def _remainder(before: int, after: int, kernel: int, stride: int) -> int:
    """The output padding of a transposed convolution to reach the size ``after``."""
    return after - ((before - 1) * stride - 2 * ((kernel - 1) // 2) + kernel)
