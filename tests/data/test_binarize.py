"""Binarization: what is drawn once, what in each epoch, and with which probabilities."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch

from vaezoo.data.binarize import epoch_images, held_out_images, seen_images
from vaezoo.data.resident import Resident
from vaezoo.data.streamed import Streamed, gather_sorted
from vaezoo.registry import ImageData, Split, discover
from vaezoo.registry.fields import Binarization
from vaezoo.registry.fields.binarization import draw


def mnist(binarize: object, name: str = "mnist") -> ImageData:
    component: Any = discover().find("dataset", name).component
    return component.model_validate({"binarize": binarize} if binarize else {}).build()


def ramp(count: int = 4000) -> Split:
    """The same image many times, with one pixel of each gray level."""
    image = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    return Split(image.repeat(count, 1, 1, 1), torch.zeros(count, dtype=torch.int64))


def drawn_once(split: Split, seed: int, purpose: Literal["train", "test", "validation"]) -> Split:
    return Split(Binarization(use="static", seed=seed).drawn_once(split.images, purpose))


def test_every_epoch_has_a_new_draw() -> None:
    how, images = Binarization(use="dynamic"), Resident(ramp(20).images)
    generator = torch.Generator().manual_seed(0)
    first, second = (epoch_images(images, how, generator)[:].clone() for _ in range(2))
    assert first.unique().tolist() == second.unique().tolist() == [0, 255]
    assert not torch.equal(first, second)
    again = epoch_images(images, how, torch.Generator().manual_seed(0))
    assert torch.equal(first, again[:])
    assert epoch_images(images, Binarization(), generator) is images


def test_draws_do_not_depend_on_the_placement() -> None:
    grey = mnist("none").train.images[:20_100]  # more than are drawn at once
    rows = torch.randperm(len(grey), generator=torch.Generator().manual_seed(1))[:20_050]
    near = Resident(grey[rows])
    far = Streamed(grey, torch.device("cpu"), rows=rows, gather=gather_sorted, threads=3)
    generators = [torch.Generator().manual_seed(4) for _ in range(2)]
    for _ in range(2):
        one, other = near.drawn(generators[0])[:], far.drawn(generators[1])[:]
        assert torch.equal(one, other)
    expected = draw(grey[rows], torch.Generator().manual_seed(4))
    assert torch.equal(near.drawn(torch.Generator().manual_seed(4))[:], expected)


def test_pixels_are_white_with_their_gray_level_as_probability() -> None:
    split = drawn_once(ramp(), 0, "train")
    assert split.images.unique().tolist() == [0, 255]
    share = split.images.float().mean(0).flatten() / 255
    expected = torch.arange(256) / 255
    # a standard deviation of at most 0.008
    assert (share - expected).abs().max() < 0.035
    assert (share[0].item(), share[255].item()) == (0, 1)


def test_draws_depend_only_on_seed_and_purpose() -> None:
    split = ramp(50)
    torch.rand(3)
    once = drawn_once(split, 5, "test").images
    assert torch.equal(once, drawn_once(split, 5, "test").images)
    assert not torch.equal(once, drawn_once(split, 6, "test").images)
    assert not torch.equal(once, drawn_once(split, 5, "train").images)


def test_binary_images_are_unchanged() -> None:
    split = drawn_once(ramp(20), 0, "train")
    assert torch.equal(drawn_once(split, 9, "test").images, split.images)


@pytest.mark.slow
def test_static_draws_all_splits_and_dynamic_only_the_test_split() -> None:
    grey, static, dynamic = mnist("none"), mnist("static"), mnist("dynamic")
    assert static.train.images.unique().tolist() == [0, 255]
    assert torch.equal(dynamic.train.images, grey.train.images)
    assert torch.equal(dynamic.test.images, static.test.images)
    assert dynamic.test.images.unique().tolist() == [0, 255]
    assert dynamic.test.labels is not None
    assert grey.test.labels is not None
    assert torch.equal(dynamic.test.labels, grey.test.labels)
    assert {grey.digest} == {static.digest, dynamic.digest}


def test_validation_images_are_drawn_once() -> None:
    how = Binarization(use="dynamic", seed=2)
    part = Split(mnist("dynamic").train.images[:100])
    first, again = held_out_images(part, how), held_out_images(part, how)
    assert torch.equal(first.images, again.images)
    assert first.images.unique().tolist() == [0, 255]
    assert not torch.equal(first.images, seen_images(part, how).images)
    as_it_is = Binarization()
    assert held_out_images(part, as_it_is) is part
    assert seen_images(part, as_it_is) is part


@pytest.mark.slow
def test_binarized_mnist_is_drawn_by_default() -> None:
    data = mnist(None, "binarized_mnist")
    assert data.train.images.unique().tolist() == [0, 255]
    assert torch.equal(data.train.images, mnist("static").train.images)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("none", "none, pixels as stored in [0, 1]"),
        ("dynamic", "dynamic, held-out images drawn once with seed 0"),
        ({"use": "static", "seed": 3}, "static, held-out images drawn once with seed 3"),
    ],
)
def test_a_protocol_is_described(written: object, said: str) -> None:
    assert str(Binarization.model_validate(written)) == said
