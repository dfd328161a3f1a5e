"""Training and validation splits."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaezoo.data import resident
from vaezoo.registry import Split


def numbered(count: int) -> Split:
    """Images that encode their own index."""
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


def test_the_seed_selects_the_validation_split() -> None:
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


@pytest.mark.parametrize(("count", "fraction"), [(10, 1.0), (10, -0.1), (1, 0.5)])
def test_invalid_splits_are_refused(count: int, fraction: float) -> None:
    with pytest.raises(ValueError, match=r"fraction|divided"):
        resident.split_validation(numbered(count), fraction, 0)
