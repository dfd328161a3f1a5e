"""Modules of the convolutional encoder and the transposed convolutional decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from vaezoo.components.conv_arithmetic import downsampled
from vaezoo.components.nets.mlp import PosteriorHead, stack
from vaezoo.registry import ImageShape


class ConvEncoderNet(nn.Module):
    """Convolutions, flattening, linear layers, then (mean, log_var)."""

    def __init__(
        self,
        *,
        image: ImageShape,
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        dense: Sequence[int],
        latent: int,
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
        widths = (channels[-1] * height * width, *dense)
        self.dense = stack(widths, activation)
        self.head = PosteriorHead(widths[-1], latent)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (B, C, H, W) -> (mean, log_var), each (B, latent)."""
        features = self.dense(self.convolutions(images).flatten(1))
        mean, log_var = self.head(features)
        return mean, log_var


class ConvTransposeDecoderNet(nn.Module):
    """A linear map onto a grid, then transposed convolutions."""

    def __init__(
        self,
        *,
        latent: int,
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
        features = (latent, *dense)
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
        """z (B, latent) -> (B, channels[-1], heights[-1], widths[-1])."""
        grid = self.grid_activation(self.to_grid(self.dense(z))).unflatten(1, self.grid)
        parameters: Tensor = self.transposed(grid)
        return parameters


def _remainder(before: int, after: int, kernel: int, stride: int) -> int:
    """The output padding of a transposed convolution to reach the size ``after``."""
    return after - ((before - 1) * stride - 2 * ((kernel - 1) // 2) + kernel)
