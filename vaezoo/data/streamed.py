"""Images in host memory or on disk, streamed to the device in blocks.

While the device works on a block, threads gather the next ones. The blocks are the same as for
images on the device, and so is the result of training.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from vaezoo.data.memory_mapped import allocate, fill
from vaezoo.data.prefetch import prefetch, to_device
from vaezoo.registry.fields.binarization import draw, part_of

#: Bytes of prefetched blocks; there are between two and eight blocks.
_PREFETCH_BYTES = 32 * 2**20

#: Bytes to read at once in sorted order.
_SORTED_BYTES = 2**20

#: Copies the rows (B,) of images (N, C, H, W) to a tensor (B, C, H, W).
Gather = Callable[[Tensor, Tensor, Tensor], None]


def gather_rows(images: Tensor, rows: Tensor, out: Tensor) -> None:
    """Copy rows in the given order, for images in memory.

    NumPy uses only the calling thread. PyTorch would start a pool of threads for each thread,
    which would compete with training for the processors.
    """
    np.take(images.numpy(), rows.numpy(), axis=0, out=out.numpy(), mode="clip")


def gather_sorted(images: Tensor, rows: Tensor, out: Tensor) -> None:
    """Copy rows in the order of the file, so that neighbors are read together."""
    ascending, positions = rows.sort()
    parts = max(_SORTED_BYTES // math.prod(images.shape[1:]), 1)
    source, target = images.numpy(), out.numpy()
    for some, at in zip(ascending.split(parts), positions.split(parts), strict=True):
        # np.take releases the GIL while it reads; indexed assignment alone would not
        target[at.numpy()] = np.take(source, some.numpy(), axis=0, mode="clip")


class Streamed:
    """``Images`` from the rows of a tensor in host memory or in a mapped file."""

    def __init__(
        self,
        images: Tensor,
        device: torch.device,
        *,
        rows: Tensor | None = None,
        labels: Tensor | None = None,
        gather: Gather = gather_rows,
        threads: int = 1,
    ) -> None:
        """``rows`` (M,) selects images, all by default; ``threads`` gather in parallel.

        ``labels`` (M,) are those of the selected images.
        """
        self._images = images
        self._labels = None if labels is None else labels.to(device)
        self._device = device
        self._rows = rows
        self._gather = gather
        self._threads = threads
        self._drawn: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        count = len(self._images) if self._rows is None else len(self._rows)
        return torch.Size((count, *self._images.shape[1:]))

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def labels(self) -> Tensor | None:
        return self._labels

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        rows = self._rows_of(which)
        pool = _BlockPool((len(rows), *self.shape[1:]), self._device)
        return self._read(rows, pool.take()).to(self._device)

    def blocks(self, count: int, order: Tensor | None = None) -> Iterator[Tensor]:
        if order is None:
            # slices instead of row numbers, which would take memory for the whole dataset
            parts: Iterator[slice | Tensor] = (
                slice(first, first + count) for first in range(0, len(self), count)
            )
        else:
            parts = iter(order.cpu().split(count))
        pool = _BlockPool((count, *self.shape[1:]), self._device)
        blocks = prefetch(
            lambda part: self._read(self._rows_of(part), pool.take()),
            parts,
            depth=min(max(_PREFETCH_BYTES // pool.bytes, 2), 8),
            threads=self._threads,
            device=self._device,
            release=pool.release,
        )
        yield from to_device(blocks, self._device)

    def drawn(self, generator: torch.Generator) -> Streamed:
        if self._drawn is None:
            self._drawn = allocate(self.shape)
        blocks = self.blocks(part_of(self.shape[1:]))
        fill(self._drawn, (draw(block, generator) for block in blocks))
        return Streamed(
            self._drawn,
            self._device,
            labels=self._labels,
            gather=self._gather,
            threads=self._threads,
        )

    def to(self, device: torch.device) -> Streamed:
        """The same images, for another device."""
        return Streamed(
            self._images,
            device,
            rows=self._rows,
            labels=self._labels,
            gather=self._gather,
            threads=self._threads,
        )

    def _rows_of(self, which: slice | Tensor) -> Tensor:
        """Row numbers of the tensor, on the CPU."""
        if isinstance(which, slice):
            if self._rows is not None:
                return self._rows[which]
            return torch.arange(*which.indices(len(self)))
        which = which.cpu()
        return which if self._rows is None else self._rows.index_select(0, which)

    def _read(self, rows: Tensor, block: Tensor) -> Tensor:
        """The images of these rows, copied into the beginning of ``block``."""
        out = block[: len(rows)]
        self._gather(self._images, rows, out)
        return out


class _BlockPool:
    """Reusable host memory for blocks. Thread-safe.

    An allocator would keep more of the memory that threads free than all blocks need.
    """

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self.bytes = math.prod(shape)
        self._shape = shape
        # PyTorch's own allocator reuses pinned memory once the GPU has copied it
        self._pinned = device.type == "cuda"
        self._spare: deque[Tensor] = deque()

    def take(self) -> Tensor:
        """An unused uint8 tensor."""
        try:
            return self._spare.pop()
        except IndexError:
            return torch.empty(self._shape, dtype=torch.uint8, pin_memory=self._pinned)

    def release(self, block: Tensor) -> None:
        """Return a tensor to the pool; the beginning of one is dropped."""
        if not self._pinned and block.shape == self._shape:
            self._spare.append(block)
