"""Decoders map latents to the likelihood's parameters for each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.conv_arithmetic import (
    OptionalWidths,
    PerLayer,
    Widths,
    downsampled,
    grid_problem,
    length_problem,
    per_layer,
)
from vaezoo.registry import Component, Decoder, ImageShape
from vaezoo.registry.fields import Activation, Initializer
from vaezoo.registry.module_contracts import Shape

if TYPE_CHECKING:
    from torch import nn


class MLPDecoder(Decoder, use="mlp"):
    """Multilayer perceptron from latents to pixels (Kingma and Welling 2014)."""

    hidden: Widths = Field((400,), description="widths of the hidden layers, first to last")
    activation: Activation = Field(
        "relu", validate_default=True, description="activation after each layer"
    )
    init: Initializer = Field("pytorch", description="initializer of the weights")

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        """z (B, *latents) -> (B, *output)."""
        from vaezoo.components.nets.mlp import MLPDecoderNet
        from vaezoo.registry.fields.initializer import initialize

        network = MLPDecoderNet(latents, self.hidden, output, self.activation.build)
        initialize(network, self.init)
        return network


class ConvTransposeDecoder(Decoder, use="conv_transpose"):
    """Linear layer onto a small grid, then transposed convolutions up to the image size.

    With the channels, kernels and strides of a ``conv`` encoder in reverse order, each layer
    inverts the size of its counterpart, for any image size. ``channels`` holds the input channels
    of each layer, starting with the grid; the last layer outputs the likelihood's parameters.
    A grid of latents goes through a convolution of single pixels, not a linear layer, unless
    ``dense`` has some.
    """

    channels: Widths = Field((64, 32), description="input channels of each layer")
    kernel: PerLayer = Field((3,), description="kernel size, one for all layers or one per layer")
    stride: PerLayer = Field((2,), description="stride, one for all layers or one per layer")
    dense: OptionalWidths = Field((), description="widths of linear layers before the grid")
    activation: Activation = Field(
        "relu", validate_default=True, description="activation after each layer"
    )
    grid_activation: Activation | None = Field(
        None, description="activation of the grid; by default the same as activation"
    )
    init: Initializer = Field("pytorch", description="initializer of the weights")

    def shape_problem(self, latents: Shape, output: ImageShape) -> str | None:
        layers = len(self.channels)
        problem = length_problem("kernel", self.kernel, layers) or length_problem(
            "stride", self.stride, layers
        )
        if problem:
            return problem
        for edge in (output.height, output.width):
            if min(self._sizes(edge)) < 1:
                return f"an edge of {edge} pixels is too small for these layers"
        if len(latents) > 1 and not self.dense:
            grid = tuple(self._sizes(edge)[0] for edge in (output.height, output.width))
            return grid_problem(latents[-2:], grid)
        return None

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        """z (B, *latents) -> (B, *output)."""
        from vaezoo.components.nets.conv import ConvTransposeDecoderNet
        from vaezoo.registry.fields.initializer import initialize

        layers = len(self.channels)
        network = ConvTransposeDecoderNet(
            latents=latents,
            dense=self.dense,
            channels=(*self.channels, output.channels),
            kernels=per_layer(self.kernel, layers),
            strides=per_layer(self.stride, layers),
            heights=self._sizes(output.height),
            widths=self._sizes(output.width),
            activation=self.activation.build,
            grid_activation=(self.grid_activation or self.activation).build,
        )
        initialize(network, self.init)
        return network

    def _sizes(self, edge: int) -> list[int]:
        """The edge length of the grid and after each layer."""
        layers = len(self.channels)
        kernels, strides = per_layer(self.kernel, layers), per_layer(self.stride, layers)
        return downsampled(edge, kernels[::-1], strides[::-1])[::-1]


COMPONENTS: list[type[Component]] = [MLPDecoder, ConvTransposeDecoder]
