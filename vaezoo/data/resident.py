"""Images on the training device, and the division of a split into training and validation."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaezoo.data.memory_mapped import take
from vaezoo.registry import Split
from vaezoo.registry.fields.binarization import draw, part_of


class Resident:
    """``Images`` in a tensor on the device."""

    def __init__(self, images: Tensor, labels: Tensor | None = None) -> None:
        """``labels`` (N,) are on the device too."""
        self._images = images
        self._labels = labels
        self._drawn: Tensor | None = None

    @property
    def shape(self) -> torch.Size:
        return self._images.shape

    @property
    def device(self) -> torch.device:
        return self._images.device

    @property
    def labels(self) -> Tensor | None:
        return self._labels

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        return self._images[which]

    def blocks(self, count: int, order: Tensor | None = None) -> Iterator[Tensor]:
        if order is None:
            yield from self._images.split(count)
            return
        for indices in order.split(count):
            yield self._images.index_select(0, indices)

    def drawn(self, generator: torch.Generator) -> Resident:
        if self._drawn is None:
            self._drawn = torch.empty_like(self._images)
        parts = part_of(self.shape[1:])
        for grey, binary in zip(self._images.split(parts), self._drawn.split(parts), strict=True):
            binary.copy_(draw(grey, generator))
        return Resident(self._drawn, self._labels)


def split_validation(split: Split, fraction: float, seed: int) -> tuple[Split, Split | None]:
    """Divide a split into (training, validation), each in the original order.

    Both are copies, on disk where memory is too small. Raises ValueError as ``held_out_rows``.
    """
    kept, held_out = held_out_rows(len(split), fraction, seed)
    if held_out is None:
        return split, None
    return select(split, kept), select(split, held_out)


def held_out_rows(count: int, fraction: float, seed: int) -> tuple[Tensor, Tensor | None]:
    """The rows for training and for validation among ``count`` examples, in ascending order.

    Drawn on the CPU, so independent of the device. Each part has at least one example; with a
    fraction of 0 there is no validation. Raises ValueError for a fraction outside [0, 1) and for
    too few examples.
    """
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction is {fraction}, expected at least 0 and below 1")
    if fraction == 0:
        return torch.arange(count), None
    if count < 2:
        raise ValueError(f"a split of {count} examples cannot be divided")
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    held_out = min(max(round(count * fraction), 1), count - 1)
    return order[held_out:].sort().values, order[:held_out].sort().values


def select(split: Split, rows: Tensor) -> Split:
    """A copy of the examples at ``rows`` (M,), on disk where memory is too small."""
    labels = None if split.labels is None else split.labels.index_select(0, rows)
    return Split(take(split.images, rows), labels)
