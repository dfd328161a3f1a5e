"""The images of a run, independent of where they are stored, and batches of them.

No Python code runs per image: a batch is a slice of a block, an epoch a permutation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from vaezoo.data.pixels import to_unit
from vaezoo.registry import Batch

#: float32 bytes that ``shuffled_batches`` gathers at once: small enough for a CPU's cache, large
#: enough that many batches share the overhead of an operation and its threads
GATHER_BYTES = 4 * 2**20


class Images(Protocol):
    """Stored images, uint8 (N, C, H, W), that are read on the training device."""

    @property
    def shape(self) -> torch.Size:
        """(N, C, H, W)."""

    @property
    def device(self) -> torch.device:
        """The device on which they are read."""

    @property
    def labels(self) -> Tensor | None:
        """Their labels, int64 (N,) on the device; None if nothing uses them."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        """Selected images, on the device."""

    def blocks(self, count: int, order: Tensor | None = None) -> Iterator[Tensor]:
        """All images, ``count`` at a time; ``order`` (M,) is an int64 tensor on the device.

        Reading the next block may overwrite the last one.
        """

    def drawn(self, generator: torch.Generator) -> Images:
        """Binary images, each pixel white with its gray level as the probability.

        The generator is on the device. A call may overwrite the result of the last one.
        """


def batch_of(images: Images, which: slice | Tensor) -> Batch:
    """Some images as stored, with their labels."""
    return Batch(images[which], None if images.labels is None else images.labels[which])


def batches(images: Images, size: int) -> Iterator[Batch]:
    """All images in order: contiguous float32 batches (B, C, H, W) in [0, 1], on their device.

    The last batch may be smaller; weight means over batches by example count.
    """
    yield from _labelled(map(to_unit, images.blocks(size)), images.labels)


def shuffled_batches(
    images: Images,
    permutation: Tensor,
    size: int,
    prepare: Callable[[Tensor], Tensor] = to_unit,
) -> Iterator[Batch]:
    """Batches in the order of ``permutation`` (M,), an int64 tensor on the images' device.

    ``prepare`` converts the images of several batches; the default is float32 in [0, 1]. Batches
    (B, C, H, W) are contiguous, and the last may be smaller.
    """
    bytes_per_batch = 4 * size * math.prod(images.shape[1:])
    gathered = size * max(GATHER_BYTES // bytes_per_batch, 1)
    labels = None if images.labels is None else images.labels[permutation]
    blocks = images.blocks(gathered, permutation)
    parts = (part for block in blocks for part in prepare(block).split(size))
    yield from _labelled(parts, labels)


def _labelled(parts: Iterable[Tensor], labels: Tensor | None) -> Iterator[Batch]:
    """Consecutive parts of images, each with its labels."""
    done = 0
    for part in parts:
        yield Batch(part, None if labels is None else labels[done : done + len(part)])
        done += len(part)
