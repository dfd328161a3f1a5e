"""What a spec says about a residual network, and the arithmetic of its sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from vaezoo import Activation, Decoder, Encoder, ImageShape
from vaezoo.registry.module_contracts import Shape

if TYPE_CHECKING:
    from torch import nn

#: Feature maps of at least one stage.
Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1)]


class ResidualEncoder(Encoder, use="residual"):
    """Residual convolutions that halve the image stage by stage, then linear maps to the posterior.

    A stage is a convolution of stride 2 and ``blocks`` residual blocks with pre-activation (He et
    al. 2016, arXiv:1603.05027) and group normalisation (Wu and He 2018, arXiv:1803.08494), which
    does not depend on the batch. Edges are halved and rounded up, so that any image will do.
    """

    channels: Widths = Field((32, 64), description="feature maps of each stage, first to last")
    blocks: int = Field(1, ge=1, le=100, description="residual blocks in each stage")
    groups: int = Field(
        8, ge=1, description="groups of the normalisation; each of channels is a multiple of it"
    )
    activation: Activation = Field(
        "silu", validate_default=True, description="after each normalisation"
    )

    def shape_problem(self, image: ImageShape, output: Shape) -> str | None:
        return problem(image, self.channels, self.groups)

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        """Images (B, C, H, W) in [0, 1] -> (B, *output)."""
        from vaezoo_resnet.nets import Parts, ResidualEncoderNet

        return ResidualEncoderNet(
            image=image,
            channels=self.channels,
            heights=halved(image.height, len(self.channels)),
            widths=halved(image.width, len(self.channels)),
            blocks=self.blocks,
            output=output,
            parts=Parts(self.groups, self.activation.build),
        )


class ResidualDecoder(Decoder, use="residual"):
    """A linear map onto a small grid, then residual blocks that double it stage by stage.

    The mirror of the encoder ``residual`` with its channels in reverse order, for any image size.
    Sizes are doubled by sub-pixel convolutions (Shi et al. 2016, arXiv:1609.05158), of which the
    far row or column is cut off where the edge is odd. The first of ``channels`` is the depth of
    the grid; the last stage makes the likelihood's parameters.
    """

    channels: Widths = Field((64, 32), description="feature maps that enter each stage")
    blocks: int = Field(1, ge=1, le=100, description="residual blocks in each stage")
    groups: int = Field(
        8, ge=1, description="groups of the normalisation; each of channels is a multiple of it"
    )
    activation: Activation = Field(
        "silu", validate_default=True, description="after each normalisation"
    )

    def shape_problem(self, latents: Shape, output: ImageShape) -> str | None:
        return problem(output, self.channels[::-1], self.groups)

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        """z (B, *latents) -> (B, *output)."""
        from vaezoo_resnet.nets import Parts, ResidualDecoderNet

        stages = len(self.channels)
        return ResidualDecoderNet(
            latents=latents,
            channels=(*self.channels, output.channels),
            heights=halved(output.height, stages)[::-1],
            widths=halved(output.width, stages)[::-1],
            blocks=self.blocks,
            parts=Parts(self.groups, self.activation.build),
        )


def halved(edge: int, stages: int) -> list[int]:
    """The length of an edge before and after each stage."""
    sizes = [edge]
    for _ in range(stages):
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def problem(image: ImageShape, channels: tuple[int, ...], groups: int) -> str | None:
    """Why stages of these depths, from the image inwards, do not fit, if so."""
    heights, widths = (halved(edge, len(channels)) for edge in (image.height, image.width))
    for stage, depth in enumerate(channels, 1):
        if depth % groups:
            return f"{depth} feature maps cannot be split into {groups} groups of equal size"
        if stage > 1 and heights[stage - 1] == widths[stage - 1] == 1:
            return f"{len(channels)} stages are too many: one pixel is left before stage {stage}"
        if depth // groups * heights[stage] * widths[stage] == 1:
            return (
                f"in stage {stage} a group is a single number, which normalisation makes 0; "
                f"take fewer than {groups} groups, or fewer stages"
            )
    return None
