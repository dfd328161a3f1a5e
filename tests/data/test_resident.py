"""Splits and batches of images that live on a device."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaezoo.data import resident
from vaezoo.registry import Split


def numbered(count: int) -> Split:
    """Images that hold the bits of their own number, so that each can be told from the others."""
    numbers = torch.arange(count)
    images = torch.stack([(numbers >> 8 * byte) % 256 for byte in range(2)], 1)
    return Split(images.to(torch.uint8).reshape(-1, 1, 1, 2), numbers)


@given(
    count=st.integers(2, 300),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**63 - 1),
)
def test_validation_is_disjoint_exhaustive_and_deterministic(
    count: int, fraction: float, seed: int
) -> None:
    split = numbered(count)
    train, validation = resident.split_validation(split, fraction, seed)
    assert validation is not None
    assert train.labels is not None
    assert validation.labels is not None
    assert sorted(train.labels.tolist() + validation.labels.tolist()) == list(range(count))
    assert 1 <= len(validation) < count
    assert abs(len(validation) - fraction * count) <= 1
    for part in (train, validation):
        assert part.labels is not None
        assert torch.equal(part.images, split.images[part.labels])
        assert part.images.is_contiguous()
    again = resident.split_validation(split, fraction, seed)[1]
    assert again is not None
    assert torch.equal(again.images, validation.images)


def test_the_seed_decides_what_is_held_out() -> None:
    first, second = (resident.split_validation(numbered(100), 0.2, seed)[1] for seed in (0, 1))
    assert first is not None
    assert second is not None
    assert not torch.equal(first.images, second.images)


def test_no_validation() -> None:
    split = numbered(3)
    assert resident.split_validation(split, 0.0, 0) == (split, None)


def test_splits_without_labels() -> None:
    train, validation = resident.split_validation(Split(numbered(10).images), 0.3, 0)
    assert validation is not None
    assert (len(train), len(validation)) == (7, 3)
    assert train.labels is None
    assert validation.labels is None
    assert resident.to_device(train, "cpu").labels is None


@pytest.mark.parametrize(("count", "fraction"), [(10, 1.0), (10, -0.1), (1, 0.5)])
def test_what_cannot_be_divided(count: int, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"fraction|divided"):
        resident.split_validation(numbered(count), fraction, 0)


@given(count=st.integers(1, 200), size=st.integers(1, 64), seed=st.integers(0, 1000))
def test_batches_hold_every_image_once(count: int, size: int, seed: int) -> None:
    images = numbered(count).images
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    for made, expected in (
        (list(resident.batches(images, size)), images),
        (list(resident.shuffled_batches(images, order, size)), images[order]),
    ):
        assert torch.equal(torch.cat(made), expected.to(torch.float32) / 255)
        assert [len(batch) for batch in made[:-1]] == [size] * (len(made) - 1)
        assert all(batch.is_contiguous() and batch.dtype == torch.float32 for batch in made)


def test_the_gathered_piece_does_not_change_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    images, order = numbered(100).images, torch.arange(100).flip(0)
    whole = list(resident.shuffled_batches(images, order, 8))
    monkeypatch.setattr(resident, "GATHER_BYTES", 1)
    for one, other in zip(whole, resident.shuffled_batches(images, order, 8), strict=True):
        assert torch.equal(one, other)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_gives_the_same_batches() -> None:
    split = resident.to_device(numbered(1000), "cuda")
    train, _ = resident.split_validation(split, 0.1, 3)
    expected, _ = resident.split_validation(numbered(1000), 0.1, 3)
    assert torch.equal(train.images.cpu(), expected.images)
    order = torch.arange(len(train)).flip(0)
    batches = resident.shuffled_batches(train.images, order.cuda(), 64)
    for made, plain in zip(
        batches, resident.shuffled_batches(expected.images, order, 64), strict=True
    ):
        torch.testing.assert_close(made.cpu(), plain, atol=1e-7, rtol=0)
