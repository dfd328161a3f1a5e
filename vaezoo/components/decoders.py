"""Decoders: latents to the parameters of the likelihood, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from vaezoo.components.conv_arithmetic import (
    OptionalWidths,
    PerLayer,
    Widths,
    downsampled,
    length_problem,
    per_layer,
)
from vaezoo.registry import Component, Decoder, ImageShape
from vaezoo.registry.fields import Activation, Initializer

if TYPE_CHECKING:
    from torch import nn


class MLPDecoder(Decoder, use="mlp"):
    """Multilayer perceptron from latents to pixels."""

    hidden: Widths = Field((400,), description="widths of the hidden layers, first to last")
    activation: Activation = Field("relu", validate_default=True, description="after each layer")
    init: Initializer = Field("pytorch", description="how weights begin")

    def build(self, latent: int, output: ImageShape) -> nn.Module:
        """z (B, latent) -> (B, *output)."""
        from vaezoo.components.nets.mlp import MLPDecoderNet
        from vaezoo.registry.fields.initializer import initialize

        network = MLPDecoderNet(latent, self.hidden, output, self.activation.build)
        initialize(network, self.init)
        return network


class ConvTransposeDecoder(Decoder, use="conv_transpose"):
    """A linear map onto a small grid, then transposed convolutions up to the image.

    The mirror of ``conv``: with the channels, kernels and strides of an encoder in reverse
    order, each layer undoes the size of its counterpart, for any image size. The first of
    ``channels`` is the depth of the grid; each layer makes the next depth, the last one makes
    the likelihood's parameters.
    """

    channels: Widths = Field((64, 32), description="feature maps that enter each layer")
    kernel: PerLayer = Field((3,), description="kernel size, for all layers or for each")
    stride: PerLayer = Field((2,), description="stride, for all layers or for each")
    dense: OptionalWidths = Field((), description="widths of linear layers before the grid")
    activation: Activation = Field("relu", validate_default=True, description="after each layer")
    grid_activation: Activation | None = Field(
        None, description="after the linear map onto the grid; by default the same as the others"
    )
    init: Initializer = Field("pytorch", description="how weights begin")

    def shape_problem(self, latent: int, output: ImageShape) -> str | None:
        layers = len(self.channels)
        wrong = length_problem("kernel", self.kernel, layers) or length_problem(
            "stride", self.stride, layers
        )
        if wrong:
            return wrong
        for edge in (output.height, output.width):
            if min(self._sizes(edge)) < 1:
                return f"an edge of {edge} pixels is too small to be reached by these layers"
        return None

    def build(self, latent: int, output: ImageShape) -> nn.Module:
        """z (B, latent) -> (B, *output)."""
        from vaezoo.components.nets.conv import ConvTransposeDecoderNet
        from vaezoo.registry.fields.initializer import initialize

        layers = len(self.channels)
        network = ConvTransposeDecoderNet(
            latent=latent,
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
        """The size of an edge on the grid and after each layer."""
        layers = len(self.channels)
        kernels, strides = per_layer(self.kernel, layers), per_layer(self.stride, layers)
        return downsampled(edge, kernels[::-1], strides[::-1])[::-1]


COMPONENTS: list[type[Component]] = [MLPDecoder, ConvTransposeDecoder]
