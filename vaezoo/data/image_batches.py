"""The images of a run, independent of where they are stored, and batches of them.

No Python code runs per image: a batch is a slice of a block, an epoch a permutation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from vaezoo.data.pixels import to_unit

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


def batches(images: Images, size: int) -> Iterator[Tensor]:
    """All images in order: contiguous float32 batches (B, C, H, W) in [0, 1], on their device.

    The last batch may be smaller; weight means over batches by example count.
    """
    for batch in images.blocks(size):
        yield to_unit(batch)


def shuffled_batches(
    images: Images,
    permutation: Tensor,
    size: int,
    prepare: Callable[[Tensor], Tensor] = to_unit,
) -> Iterator[Tensor]:
    """Batches in the order of ``permutation`` (M,), an int64 tensor on the images' device.

    ``prepare`` converts the images of several batches; the default is float32 in [0, 1]. Batches
    (B, C, H, W) are contiguous, and the last may be smaller.
    """
    bytes_per_batch = 4 * size * math.prod(images.shape[1:])
    gathered = size * max(GATHER_BYTES // bytes_per_batch, 1)
    for block in images.blocks(gathered, permutation):
        yield from prepare(block).split(size)
