"""Encoders map images to the parameters of the posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

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
from vaezoo.registry import Component, Encoder, ImageShape
from vaezoo.registry.fields import Activation, Initializer
from vaezoo.registry.module_contracts import Condition, Shape

if TYPE_CHECKING:
    from torch import nn


class MLPEncoder(Encoder, use="mlp"):
    """Multilayer perceptron on flattened pixels, and on the class in a conditional model.

    The default is the encoder of Kingma and Welling (2014) with ReLU.
    """

    conditional: ClassVar[bool] = True

    hidden: Widths = Field((400,), description="widths of the hidden layers, first to last")
    activation: Activation = Field(
        "relu", validate_default=True, description="activation after each layer"
    )
    init: Initializer = Field("pytorch", description="initializer of the weights")

    def build(
        self, image: ImageShape, output: Shape, *, condition: Condition | None = None
    ) -> nn.Module:
        """Images (B, C, H, W) in [0, 1] -> (B, *output)."""
        from vaezoo.components.nets.mlp import MLPEncoderNet
        from vaezoo.registry.fields.initializer import initialize

        pixels = image.channels * image.height * image.width
        classes = condition.size if condition else 0
        network = MLPEncoderNet(pixels, self.hidden, output, self.activation.build, classes)
        initialize(network, self.init)
        return network


class ConvEncoder(Encoder, use="conv"):
    """Strided convolutions, then linear layers to a vector of latents.

    For a grid of latents, such as ``latent: [4, 7, 7]``, convolutions of single pixels take the
    place of linear layers, unless ``dense`` has some.

    The padding of each convolution is (kernel − 1) // 2, so a stride of 2 halves an even edge.
    """

    channels: Widths = Field((32, 64), description="output channels of each convolution")
    kernel: PerLayer = Field((3,), description="kernel size, one for all layers or one per layer")
    stride: PerLayer = Field((2,), description="stride, one for all layers or one per layer")
    dense: OptionalWidths = Field((), description="widths of linear layers after flattening")
    activation: Activation = Field(
        "relu", validate_default=True, description="activation after each layer"
    )
    init: Initializer = Field("pytorch", description="initializer of the weights")

    def shape_problem(self, image: ImageShape, output: Shape) -> str | None:
        layers = len(self.channels)
        problem = length_problem("kernel", self.kernel, layers) or length_problem(
            "stride", self.stride, layers
        )
        if problem:
            return problem
        kernels, strides = per_layer(self.kernel, layers), per_layer(self.stride, layers)
        for edge in (image.height, image.width):
            sizes = downsampled(edge, kernels, strides)
            if min(sizes) < 1:
                layer = next(i for i, size in enumerate(sizes) if size < 1)
                return (
                    f"an edge of {edge} pixels is too small for these convolutions: "
                    f"the input of layer {layer} has only {sizes[layer - 1]}"
                )
        if len(output) > 2 and not self.dense:
            grid = tuple(
                downsampled(edge, kernels, strides)[-1] for edge in (image.height, image.width)
            )
            return grid_problem(output[-2:], grid)
        return None

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        """Images (B, C, H, W) in [0, 1] -> (B, *output)."""
        from vaezoo.components.nets.conv import ConvEncoderNet
        from vaezoo.registry.fields.initializer import initialize

        layers = len(self.channels)
        kernels, strides = per_layer(self.kernel, layers), per_layer(self.stride, layers)
        network = ConvEncoderNet(
            image=image,
            channels=self.channels,
            kernels=kernels,
            strides=strides,
            dense=self.dense,
            output=output,
            activation=self.activation.build,
        )
        initialize(network, self.init)
        return network


COMPONENTS: list[type[Component]] = [MLPEncoder, ConvEncoder]
