"""Images that live on the training device as uint8, and batches of them.

There is no Python work for single images: a batch is a slice, an epoch a permutation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from vaezoo.data.pixels import to_unit
from vaezoo.registry import Split

#: float32 bytes to gather at once in ``shuffled_batches``: small enough for a CPU's cache, large
#: enough that the cost of starting an operation (and its threads) is paid once for many batches
GATHER_BYTES = 4 * 2**20


def split_validation(split: Split, fraction: float, seed: int) -> tuple[Split, Split | None]:
    """A split in two: (the rest, the fraction drawn by ``seed``), each in its old order.

    The draw is made on the CPU and so is the same whatever the device. At least one example
    stays on either side; a fraction of 0 gives no validation split. Raises ValueError for a
    fraction outside [0, 1) and for a split that is too small to be divided.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction is {fraction}, expected at least 0 and below 1")
    if fraction == 0:
        return split, None
    count = len(split)
    if count < 2:
        raise ValueError(f"a split of {count} cannot be divided")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held_out = min(max(round(count * fraction), 1), count - 1)
    kept, drawn = order[held_out:].sort().values, order[:held_out].sort().values
    return _select(split, kept), _select(split, drawn)


def _select(split: Split, indices: Tensor) -> Split:
    indices = indices.to(split.images.device)
    labels = None if split.labels is None else split.labels.index_select(0, indices)
    return Split(split.images.index_select(0, indices), labels)


def to_device(split: Split, device: torch.device | str) -> Split:
    """The split on a device; no copy where it already is there."""
    labels = None if split.labels is None else split.labels.to(device)
    return Split(split.images.to(device), labels)


def batches(images: Tensor, size: int) -> Iterator[Tensor]:
    """All images (N, C, H, W) in order: contiguous float32 batches (B, C, H, W) in [0, 1].

    The last batch may be smaller; weigh means over batches by example count.
    """
    for batch in images.split(size):
        yield to_unit(batch)


def shuffled_batches(
    images: Tensor,
    permutation: Tensor,
    size: int,
    prepare: Callable[[Tensor], Tensor] = to_unit,
) -> Iterator[Tensor]:
    """Images (N, C, H, W) in the order of ``permutation`` (M,), an int64 tensor on their device.

    Gives contiguous batches (B, C, H, W) of what ``prepare`` makes of several at once, float32
    in [0, 1] if nothing else is said; the last may be smaller.
    """
    bytes_per_batch = 4 * size * images[0].numel()
    gathered = size * max(GATHER_BYTES // bytes_per_batch, 1)
    for indices in permutation.split(gathered):
        yield from prepare(images.index_select(0, indices)).split(size)
