"""Checks of encoders and decoders."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from vaezoo.registry import Decoder, Encoder, ImageShape
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance
from vaezoo.testing.conformance.outcome import require

#: Gray, color, and odd sizes.
IMAGES = (ImageShape(1, 28, 28), ImageShape(3, 32, 32), ImageShape(1, 17, 23))
#: outputs of an encoder: the two parameters of diagonal Gaussians, and one vector
OUTPUTS: tuple[Shape, ...] = ((2, 1), (2, 2), (2, 16), (5,))
LATENTS: tuple[Shape, ...] = ((1,), (2,), (16,))


def _pairs(
    images: tuple[ImageShape, ...], latents: tuple[Shape, ...]
) -> list[tuple[ImageShape, Shape]]:
    """Every image size and every shape of latents, in few combinations."""
    first = [(images[0], latent) for latent in latents]
    return first + [(image, latents[i % len(latents)]) for i, image in enumerate(images[1:], 1)]


class EncoderConformance(NetworkConformance):
    """``class TestMine(EncoderConformance): component = Mine(hidden=(32,))``.

    ``images`` and ``outputs`` are the shapes to try, without the batch; those that
    ``shape_problem`` refuses are left out, but one must remain.
    """

    kind: ClassVar[str] = "encoder"
    component: Encoder
    images: tuple[ImageShape, ...] = IMAGES
    outputs: tuple[Shape, ...] = OUTPUTS

    def cases(self) -> list[Case]:
        encoder = self.component
        refused: list[str] = []
        cases = []
        for image, output in _pairs(self.images, self.outputs):
            problem = encoder.shape_problem(image, output)
            if problem:
                refused.append(f"{image}: {problem}")
            else:
                cases.append(_encoder_case(encoder, image, output))
        require(cases, f"it takes none of the images: {'; '.join(refused)}; set `images`")
        return cases


class DecoderConformance(NetworkConformance):
    """``class TestMine(DecoderConformance): component = Mine(hidden=(32,))``.

    ``outputs`` and ``latents`` are the sizes to check. Those that ``shape_problem`` rejects are
    skipped, but one must remain.
    """

    kind: ClassVar[str] = "decoder"
    component: Decoder
    outputs: tuple[ImageShape, ...] = (*IMAGES, ImageShape(6, 32, 32))
    latents: tuple[Shape, ...] = LATENTS

    def cases(self) -> list[Case]:
        decoder = self.component
        refused: list[str] = []
        cases = []
        for output, latent in _pairs(self.outputs, self.latents):
            problem = decoder.shape_problem(latent, output)
            if problem:
                refused.append(f"{output}: {problem}")
            else:
                cases.append(_decoder_case(decoder, latent, output))
        require(cases, f"it supports none of the outputs: {'; '.join(refused)}; set `outputs`")
        return cases

    def test_no_final_activation(self) -> None:
        """Outputs take both signs: the likelihood, not the decoder, maps them to pixels."""
        case = self.cases()[0]
        for seed in range(3):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                module = case.build().eval()
            (output,) = case.call(module, *(10 * value for value in case.draw(64, seed)))
            if output.min() < 0 < output.max():
                return
        require(
            False,
            "all outputs have one sign; remove the final activation: the likelihood has its own",
        )


def _encoder_case(encoder: Encoder, image: ImageShape, output: Shape) -> Case:
    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.rand(count, *image, generator=generator),)

    def call(module: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
        return (module(images),)

    name = f"{image}, output {output}"
    return Case(name, lambda: encoder.build(image, output), inputs, call, outputs=(output,))


def _decoder_case(decoder: Decoder, latent: Shape, output: ImageShape) -> Case:
    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(count, *latent, generator=generator),)

    def call(module: nn.Module, z: Tensor) -> tuple[Tensor, ...]:
        return (module(z),)

    name = f"latent {latent}, {output}"
    build = lambda: decoder.build(latent, output)  # noqa: E731
    return Case(name, build, inputs, call, outputs=(tuple(output),), differentiable=(0,))
