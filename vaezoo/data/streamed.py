"""Images that stay in host memory or on disk, and come to the device block by block.

While the device works on a block, threads gather the next ones in the order of the epoch. The
blocks are those that a device would gather that holds all images, so that training goes on in
the same bytes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from vaezoo.data.memory_mapped import filled, room_for
from vaezoo.data.prefetch import ahead, sent
from vaezoo.registry.fields.binarization import draw, part_of

#: Bytes of blocks that wait for the device; at least two blocks do, and no more than eight.
_AHEAD_BYTES = 32 * 2**20

#: Bytes to read at once where they are put in order afterwards.
_SORTED_BYTES = 2**20

#: Writes images (N, C, H, W) of some rows (B,) to a tensor (B, C, H, W).
Gather = Callable[[Tensor, Tensor, Tensor], None]


def gather(images: Tensor, rows: Tensor, out: Tensor) -> None:
    """In the order that is asked for: in memory, any order is as fast.

    By NumPy, which does it in this thread alone: PyTorch's own threads, a team for each thread
    that uses them, would wait for processors that the training needs.
    """
    np.take(images.numpy(), rows.numpy(), axis=0, out=out.numpy(), mode="clip")


def gather_by_place(images: Tensor, rows: Tensor, out: Tensor) -> None:
    """In the order in which they lie on the disk, which reads once what lies together."""
    ascending, places = rows.sort()
    parts = max(_SORTED_BYTES // math.prod(images.shape[1:]), 1)
    stored, put = images.numpy(), out.numpy()
    for some, there in zip(ascending.split(parts), places.split(parts), strict=True):
        # reading lets other threads go on meanwhile, as assigning does not
        put[there.numpy()] = np.take(stored, some.numpy(), axis=0, mode="clip")


class Streamed:
    """``Images`` that are rows of a tensor in host memory, or in a mapped file."""

    def __init__(
        self,
        images: Tensor,
        device: torch.device,
        *,
        rows: Tensor | None = None,
        by: Gather = gather,
        threads: int = 1,
    ) -> None:
        """``rows`` (M,) are those meant, all if left out; ``threads`` of them gather."""
        self._images = images
        self._device = device
        self._rows = rows
        self._by = by
        self._threads = threads
        self._drawn: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        count = len(self._images) if self._rows is None else len(self._rows)
        return torch.Size((count, *self._images.shape[1:]))

    @property
    def device(self) -> torch.device:
        return self._device

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        rows = self._rows_of(which)
        room = _Room((len(rows), *self.shape[1:]), self._device)
        return self._gathered(rows, room.taken()).to(self._device)

    def blocks(self, count: int, order: Tensor | None = None) -> Iterator[Tensor]:
        if order is None:
            # a range in place of all numbers: an epoch's order is as long as memory must bear
            parts: Iterator[slice | Tensor] = (
                slice(first, first + count) for first in range(0, len(self), count)
            )
        else:
            parts = iter(order.cpu().split(count))
        room = _Room((count, *self.shape[1:]), self._device)
        made = ahead(
            lambda part: self._gathered(self._rows_of(part), room.taken()),
            parts,
            depth=min(max(_AHEAD_BYTES // room.bytes, 2), 8),
            threads=self._threads,
            device=self._device,
            through=room.given_back,
        )
        yield from sent(made, self._device)

    def drawn(self, generator: torch.Generator) -> Streamed:
        if self._drawn is None:
            self._drawn = room_for(self.shape)
        blocks = self.blocks(part_of(self.shape[1:]))
        filled(self._drawn, (draw(block, generator) for block in blocks))
        return Streamed(self._drawn, self._device, by=self._by, threads=self._threads)

    def to(self, device: torch.device) -> Streamed:
        """The same images, for another device."""
        return Streamed(self._images, device, rows=self._rows, by=self._by, threads=self._threads)

    def _rows_of(self, which: slice | Tensor) -> Tensor:
        """Rows of the tensor, on the CPU."""
        if isinstance(which, slice):
            if self._rows is not None:
                return self._rows[which]
            return torch.arange(*which.indices(len(self)))
        which = which.cpu()
        return which if self._rows is None else self._rows.index_select(0, which)

    def _gathered(self, rows: Tensor, room: Tensor) -> Tensor:
        """The images of these rows, as many as there is room for or fewer."""
        out = room[: len(rows)]
        self._by(self._images, rows, out)
        return out


class _Room:
    """Host memory for blocks, used again and again: an allocator keeps more of what threads
    give back to it than all blocks need. Threads may share it."""

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.bytes = math.prod(shape)
        self._shape = shape
        # a GPU takes blocks from pinned memory at any time; who looks after that memory knows
        # when it has done so, and keeps it for the next block by itself
        self._pinned = device.type == "cuda"
        self._spare: deque[Tensor] = deque()

    def taken(self) -> Tensor:
        """An uint8 tensor that nobody else has."""
        try:
            return self._spare.pop()
        except IndexError:
            return torch.empty(self._shape, dtype=torch.uint8, pin_memory=self._pinned)

    def given_back(self, block: Tensor) -> None:
        """What was taken, or its beginning, is not needed any more."""
        if not self._pinned and block.shape == self._shape:
            self._spare.append(block)
