"""Faults of encoders and decoders, each found by the check for it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import pytest
import torch
from pydantic import BaseModel, Field
from torch import nn

from tests.conformance.faults import check, fails
from vaezoo import (
    Decoder,
    Encoder,
    ImageShape,
)
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing import EncoderConformance
from vaezoo.testing.conformance.outcome import Declined, Nonconforming


class EncoderNet(nn.Module):
    """A sound encoder; the subclasses below each have one fault."""

    def __init__(self, image: ImageShape, output: Shape) -> None:
        super().__init__()
        self.line = nn.Linear(math.prod(image), math.prod(output))
        self.output = output

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.line(images.flatten(1)).unflatten(1, self.output)


class Sound(Encoder, use="sound"):
    """Sound in all respects."""

    net: ClassVar[type[nn.Module]] = EncoderNet

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        return type(self).net(image, output)


def encoder(net: type[nn.Module]) -> Encoder:
    class Faulty(Sound, use="faulty"):
        """Has a fault."""

    Faulty.net = net
    return Faulty()


def test_a_sound_encoder_passes() -> None:
    elsewhere = {"test_import_budget", "test_entry_point", "test_compiles_natively"}
    for name in (name for name in EncoderConformance.checks() if name not in elsewhere):
        check(Sound(), name.removeprefix("test_"))


def test_words_are_missed() -> None:
    class Silent(Sound, use="silent"):
        width: int = 3

    fails(Silent(), "documentation", "no docstring")
    Silent.__doc__ = "It speaks."
    fails(Silent(), "documentation", "no description of width")


def test_a_class_that_says_something_else_than_it_means() -> None:
    class Section(BaseModel):
        width: int = 3

    class Nested(Sound, use="nested"):
        """Has a section that takes anything."""

        part: Section = Field(Section(), description="a section")

    fails(Nested(), "declaration", "its field part accepts misspelt keys")

    class Method(Sound, use="method"):
        """Has a method for a value."""

        def conditional(self) -> bool:  # type: ignore[override]
            return True

    fails(Method(), "declaration", "conditional is a method, but must be a value")


def test_a_number_without_a_range_and_a_name_of_vaezoo() -> None:
    class Mine(Sound, use="mlp"):
        """Has the name of another encoder."""

        width: int = Field(3, description="a width")
        depth: int = Field(3, ge=1, description="a depth")

    for name, words in (("ranges", "no range of width;"), ("name", "'plugin:mlp'")):
        with pytest.raises(Declined, match=words):
            check(Mine(), name)
        with pytest.raises(Nonconforming, match=words):
            check(Mine(), name, strict=True)


def test_a_parameter_that_is_lost_or_let_through() -> None:
    class Loose(Sound, use="loose"):
        """Takes anything."""

        model_config = {"extra": "allow"}  # noqa: RUF012

    fails(Loose(), "only_known_parameters", "extra='forbid'")

    class Hidden(Sound, use="hidden"):
        """Writes less than it reads."""

        width: int = Field(3, description="a width", exclude=True)

    fails(Hidden(width=5), "parameters_survive_yaml", "read back")


def test_shapes_and_types_of_an_encoder() -> None:
    class Transposed(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(images).transpose(0, -1)

    class Double(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(images).double()

    class Infinite(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(images) / 0

    fails(encoder(Transposed), "shapes_and_types", "expected")
    fails(encoder(Double), "shapes_and_types", "torch.float64")
    fails(encoder(Infinite), "shapes_and_types", "not finite")


def test_an_encoder_that_takes_no_size() -> None:
    class Picky(Sound, use="picky"):
        """Never pleased."""

        def shape_problem(self, image: ImageShape, output: Shape) -> str | None:
            return "too large"

    fails(Picky(), "shapes_and_types", "too large.*set `images`")


def test_a_tensor_made_on_another_device() -> None:
    class OnTheHost(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return torch.zeros(super().forward(images).shape, device="cpu")

    fails(encoder(OnTheHost), "builds_on_meta", "on the device of the input")


def test_a_parameter_without_gradient() -> None:
    class Frozen(EncoderNet):
        def __init__(self, image: ImageShape, output: Shape) -> None:
            super().__init__(image, output)
            self.shift = nn.Linear(1, 1)

        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(images) + self.shift(torch.ones(1)).detach()

    fails(encoder(Frozen), "gradients_reach_every_parameter", "shift.bias, shift.weight")


def test_a_branch_that_begins_at_zero_is_no_fault() -> None:
    class Gated(EncoderNet):
        def __init__(self, image: ImageShape, output: Shape) -> None:
            super().__init__(image, output)
            self.gate = nn.Parameter(torch.zeros(()))

        def forward(self, images: torch.Tensor) -> Any:
            return self.gate * super().forward(images)

    check(encoder(Gated), "gradients_reach_every_parameter")


def test_neighbours_chance_and_dropout_in_evaluation() -> None:
    class Normalised(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            found = super().forward(images)
            return found - found.mean(0)

    class Dropping(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(nn.functional.dropout(images, 0.5))

    class Wasteful(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            torch.rand(1)
            return super().forward(images)

    fails(encoder(Normalised), "examples_are_independent", "depends on the others")
    fails(encoder(Dropping), "evaluation_is_deterministic", "different outputs")
    fails(encoder(Wasteful), "evaluation_is_deterministic", "random numbers")


def test_weights_that_no_seed_decides() -> None:
    class Chance(EncoderNet):
        def __init__(self, image: ImageShape, output: Shape) -> None:
            super().__init__(image, output)
            self.line.weight.data.add_(hash(object()) % 1000003)

    fails(encoder(Chance), "same_seed_same_weights", "line.weight")


def test_state_outside_parameters_and_buffers() -> None:
    class Remembers(EncoderNet):
        def __init__(self, image: ImageShape, output: Shape) -> None:
            super().__init__(image, output)
            self.register_buffer("shift", torch.randn(output), persistent=False)

        def forward(self, images: torch.Tensor) -> Any:
            return super().forward(images) + self.shift

    class Pickled(EncoderNet):
        def get_extra_state(self) -> object:
            return {"anything": 1}

        def set_extra_state(self, state: object) -> None: ...

    fails(encoder(Remembers), "weights_survive_safetensors", "outputs differ")
    fails(encoder(Pickled), "state_is_tensors", "_extra_state")


def test_a_graph_break_only_counts_when_strict() -> None:
    class Breaks(EncoderNet):
        def forward(self, images: torch.Tensor) -> Any:
            torch._dynamo.graph_break()
            return super().forward(images)

    with pytest.raises(Declined):
        check(encoder(Breaks), "compiles_in_one_graph")
    with pytest.raises(Exception, match=r"graph_break|Graph break"):
        check(encoder(Breaks), "compiles_in_one_graph", strict=True)


def test_a_decoder_with_a_final_activation() -> None:
    class Squashed(Decoder, use="squashed"):
        """Ends in a sigmoid."""

        def build(self, latents: Shape, output: ImageShape) -> nn.Module:
            line = nn.Linear(math.prod(latents), math.prod(output))
            return nn.Sequential(nn.Flatten(), line, nn.Unflatten(1, output), nn.Sigmoid())

    fails(Squashed(), "no_final_activation", "remove the final activation")
