"""The residual encoder and decoder: sizes, normalisation, and the conformance kit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from vaezoo_resnet import ResidualDecoder, ResidualEncoder

import vaezoo
from vaezoo import ImageShape
from vaezoo.testing import DecoderConformance, EncoderConformance, PluginConformance

ENTRY = Path(__file__).parents[1] / "zoo" / "fashion_resnet12"

SIZES = [(1, 28, 28), (3, 32, 32), (1, 17, 23), (4, 5, 64), (1, 1, 9), (2, 2, 2), (1, 3, 1)]


class TestPlugin(PluginConformance):
    plugin = "vaezoo-resnet"


class TestEncoder(EncoderConformance):
    component = ResidualEncoder(channels=(4, 8), groups=2)


class TestDecoder(DecoderConformance):
    component = ResidualDecoder(channels=(8, 4), groups=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stages", [1, 2, 3])
def test_valid_sizes_build(size: tuple[int, int, int], stages: int) -> None:
    image, channels = ImageShape(*size), (6,) * stages
    encoder = ResidualEncoder(channels=channels, groups=3, blocks=2)
    decoder = ResidualDecoder(channels=channels, groups=3, blocks=2)
    problem = encoder.shape_problem(image, (2, 5))
    assert decoder.shape_problem((5,), image) == problem
    if problem:
        assert problem.startswith(f"{stages} stages are too many")
        return
    images = torch.rand(3, *image)
    encoded = encoder.build(image, (2, 5))(images)
    assert encoded.shape == (3, 2, 5)
    assert decoder.build((5,), image)(encoded[:, 0]).shape == images.shape


@pytest.mark.parametrize(
    ("channels", "groups", "size", "problem"),
    [
        ((8, 12), 8, (1, 28, 28), "12 feature maps cannot be split into 8 groups"),
        ((8, 8, 8), 2, (1, 3, 2), "3 stages are too many: one pixel is left before stage 3"),
        ((8, 8), 8, (1, 4, 4), "in stage 2 a group is a single number"),
        ((8, 8), 4, (1, 4, 4), None),
        ((8,), 4, (1, 1, 1), None),
    ],
)
def test_invalid_sizes_are_found_before_building(
    channels: tuple[int, ...], groups: int, size: tuple[int, int, int], problem: str | None
) -> None:
    image = ImageShape(*size)
    of_encoder = ResidualEncoder(channels=channels, groups=groups).shape_problem(image, (2, 2))
    of_decoder = ResidualDecoder(channels=channels[::-1], groups=groups).shape_problem((2,), image)
    assert of_encoder == of_decoder
    assert of_encoder is None if problem is None else of_encoder.startswith(problem)


@pytest.mark.parametrize(
    "wrong", [{"channels": []}, {"channels": [0]}, {"blocks": 0}, {"groups": 0}]
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    for component in (ResidualEncoder, ResidualDecoder):
        with pytest.raises(ValidationError):
            component(**wrong)


@pytest.mark.parametrize("output", [(7,), (2, 3, 4, 4), (3, 5)])
def test_an_output_of_any_shape(output: tuple[int, ...]) -> None:
    encoder = ResidualEncoder(channels=(8,)).build(ImageShape(1, 9, 9), output)
    assert encoder(torch.rand(6, 1, 9, 9)).shape == (6, *output)
    decoder = ResidualDecoder(channels=(8,)).build(output, ImageShape(1, 9, 9))
    assert decoder(torch.rand(6, *output)).shape == (6, 1, 9, 9)


def test_weights_with_old_names_load() -> None:
    """Its last layers were called mean and log_var."""
    encoder = ResidualEncoder(channels=(8,)).build(ImageShape(1, 9, 9), (2, 3))
    other = ResidualEncoder(channels=(8,)).build(ImageShape(1, 9, 9), (2, 3))
    old = {
        name.replace("heads.0", "mean").replace("heads.1", "log_var"): value
        for name, value in encoder.state_dict().items()
    }
    assert "log_var.bias" in old
    other.load_state_dict(old)
    images = torch.rand(4, 1, 9, 9)
    assert torch.equal(other(images), encoder(images))
    assert torch.equal(other(images)[:, 1], encoder.heads[1](encoder.stages(images)))


def test_every_block_is_initially_the_identity() -> None:
    from vaezoo_resnet.nets import Parts, ResidualBlock

    block, features = ResidualBlock(4, Parts(2, torch.nn.SiLU)), torch.randn(2, 4, 5, 5)
    assert torch.equal(block(features), features)


def test_an_odd_size_is_cropped_at_the_far_edge() -> None:
    """An image doubled to 5 × 3 pixels equals the top left of one doubled to 6 × 4."""
    from vaezoo_resnet.nets import Doubling

    odd, even = Doubling(4, 2, 5, 3), Doubling(4, 2, 6, 4)
    even.load_state_dict(odd.state_dict())
    features = torch.randn(2, 4, 3, 2)
    assert torch.equal(odd(features), even(features)[:, :, :5, :3])


def test_images_of_a_batch_are_normalized_independently() -> None:
    encoder = ResidualEncoder(channels=(8, 8)).build(ImageShape(1, 9, 9), (2, 3)).train()
    dim, bright = torch.rand(1, 1, 9, 9), torch.rand(7, 1, 9, 9) * 5
    alone, together = encoder(dim), encoder(torch.cat((dim, bright)))[:1]
    torch.testing.assert_close(alone, together)


# built-in components may have changed since; verify checks the figures
@pytest.mark.filterwarnings("ignore:warning VZ306. vaezoo/components/")
def test_the_entry_loads_and_is_residual() -> None:
    model = vaezoo.load(ENTRY)
    assert isinstance(model.spec.model.encoder, ResidualEncoder)
    assert model.sample(4).shape == (4, 1, 28, 28)
