"""What a run trains on, wherever it lies, and batches of it.

There is no Python work for single images: a batch is a slice of a block, an epoch a permutation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from vaezoo.data.pixels import to_unit

#: float32 bytes to gather at once in ``shuffled_batches``: small enough for a CPU's cache, large
#: enough that the cost of starting an operation (and its threads) is paid once for many batches
GATHER_BYTES = 4 * 2**20


class Images(Protocol):
    """Stored images, uint8 (N, C, H, W), that come out on the training device."""

    @property
    def shape(self) -> torch.Size:
        """(N, C, H, W)."""

    @property
    def device(self) -> torch.device:
        """Where they come out."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        """Some of them, on the device."""

    def blocks(self, count: int, order: Tensor | None = None) -> Iterator[Tensor]:
        """All of them, ``count`` at a time; ``order`` (M,) is an int64 tensor on the device.

        A block may be written over once the next one is asked for.
        """

    def drawn(self, generator: torch.Generator) -> Images:
        """As many binary ones, each pixel white with its grey level as the chance.

        The generator is on the device. What was drawn before may be written over.
        """


def batches(images: Images, size: int) -> Iterator[Tensor]:
    """All images in order: contiguous float32 batches (B, C, H, W) in [0, 1], on their device.

    The last batch may be smaller; weigh means over batches by example count.
    """
    for batch in images.blocks(size):
        yield to_unit(batch)


def shuffled_batches(
    images: Images,
    permutation: Tensor,
    size: int,
    prepare: Callable[[Tensor], Tensor] = to_unit,
) -> Iterator[Tensor]:
    """Images in the order of ``permutation`` (M,), an int64 tensor on their device.

    Gives contiguous batches (B, C, H, W) of what ``prepare`` makes of several at once, float32
    in [0, 1] if nothing else is said; the last may be smaller.
    """
    bytes_per_batch = 4 * size * math.prod(images.shape[1:])
    gathered = size * max(GATHER_BYTES // bytes_per_batch, 1)
    for block in images.blocks(gathered, permutation):
        yield from prepare(block).split(size)
