from typing import Any

import pytest
import torch

from vaezoo.components.decoders import ConvTransposeDecoder, MLPDecoder
from vaezoo.components.encoders import ConvEncoder, MLPEncoder
from vaezoo.registry import ImageShape

SHAPES = [ImageShape(1, 28, 28), ImageShape(3, 32, 32), ImageShape(3, 33, 17), ImageShape(2, 9, 64)]
CONV: list[dict[str, Any]] = [
    {},
    {"channels": (8,), "kernel": 5, "stride": 3},
    {"channels": (8, 8, 4), "kernel": (4, 3, 3), "stride": (2, 1, 2)},
    {"channels": (8, 8, 8, 8), "stride": (1, 2, 2, 1), "dense": (16,)},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("encoder", [MLPEncoder(hidden=(9, 7)), *[ConvEncoder(**c) for c in CONV]])
@pytest.mark.parametrize("output", [(2, 5), (7,)])
def test_encoders_give_the_output_asked_for(encoder, shape, output):
    assert encoder.shape_problem(shape, output) is None
    assert encoder.build(shape, output)(torch.rand(3, *shape)).shape == (3, *output)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mirror", CONV)
def test_a_mirrored_decoder_gives_back_any_image_size(mirror, shape):
    reversed_ = {
        key: value[::-1] if isinstance(value, tuple) else value for key, value in mirror.items()
    }
    decoder = ConvTransposeDecoder(**reversed_)
    assert decoder.shape_problem((5,), shape) is None
    assert decoder.build((5,), shape)(torch.randn(3, 5)).shape == (3, *shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_mlp_decoder_gives_any_image_size(shape):
    assert MLPDecoder(hidden=(9,)).build((5,), shape)(torch.randn(3, 5)).shape == (3, *shape)


def test_the_arithmetic_of_sizes_agrees_with_torch():
    shape = ImageShape(1, 37, 21)
    encoder = ConvEncoder(channels=(4, 4, 4), kernel=(5, 4, 2), stride=(2, 3, 1))
    network = encoder.build(shape, (2, 2))
    features = network.convolutions(torch.rand(1, *shape)).flatten(1).shape[1]
    assert network.head.layers[0].in_features == features


@pytest.mark.parametrize(
    ("encoder", "shape", "part"),
    [
        (ConvEncoder(channels=(8, 8), kernel=(3, 3, 3)), SHAPES[0], "kernel has 3 values for 2"),
        (ConvEncoder(channels=(8, 8), stride=(1, 2, 3)), SHAPES[0], "stride has 3 values for 2"),
        (ConvEncoder(channels=(8, 8), kernel=6, stride=4), ImageShape(1, 4, 4), "too small"),
    ],
)
def test_an_unsupported_image_size_is_a_problem_before_building(encoder, shape, part):
    assert part in encoder.shape_problem(shape, (2, 2))


def test_a_decoder_that_cannot_reach_the_image_is_a_problem():
    decoder = ConvTransposeDecoder(channels=(8, 8), kernel=6, stride=4)
    assert "too small" in decoder.shape_problem((2,), ImageShape(1, 4, 4))


def test_gradients_reach_every_parameter():
    shape = ImageShape(1, 12, 12)
    for part in (MLPEncoder(hidden=(8,)), ConvEncoder(dense=(6,))):
        network = part.build(shape, (2, 3))
        network(torch.rand(4, *shape)).sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_glorot_uniform_draws_within_its_bound_and_clears_biases():
    network = MLPEncoder(hidden=(50,), init="glorot_uniform").build(ImageShape(1, 10, 10), (2, 2))
    layer = network.body[0]
    bound = (6 / (100 + 50)) ** 0.5
    assert bound * 0.95 < layer.weight.abs().max() <= bound
    assert layer.bias.abs().max() == 0


def test_he_normal_uses_the_inputs_of_a_transposed_convolution():
    decoder = ConvTransposeDecoder(channels=(64,), init="he_normal")
    network = decoder.build((2,), ImageShape(32, 14, 14))
    spread = network.transposed[0].weight.std().item()
    assert spread == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)
