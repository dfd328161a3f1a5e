"""The images that a model trains on, shown to modules before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vaezoo.data.memory_mapped import take
from vaezoo.data.pixels import to_unit
from vaezoo.data.resident import held_out_rows
from vaezoo.registry import ImageData, ImageShape

#: Images to average at a time.
_AT_ONCE = 1024


@dataclass(frozen=True)
class KeptImages:
    """The ``TrainingImages`` of a dataset: those at ``rows`` of its training split."""

    data: ImageData
    rows: Tensor

    @classmethod
    def of(cls, data: ImageData, validation: float, seed: int) -> KeptImages:
        """Those that remain when a fraction is held out, chosen by ``seed``."""
        kept, _ = held_out_rows(len(data.train), validation, seed)
        return cls(data, kept)

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self.rows)

    @property
    def shape(self) -> ImageShape:
        """The shape of an image."""
        return self.data.shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self.data.class_names

    @property
    def labels(self) -> Tensor | None:
        """int64 labels (count,); None without labels."""
        return None if self.data.train.labels is None else self.data.train.labels[self.rows]

    @cached_property
    def mean(self) -> Tensor:
        """The mean image, (C, H, W) in [0, 1]. Reads every image at the first use."""
        total = torch.zeros(self.shape, dtype=torch.float64)
        for first in range(0, self.count, _AT_ONCE):
            total += self.images(slice(first, first + _AT_ONCE)).sum(0, dtype=torch.float64)
        return (total / self.count).float()

    def images(self, which: slice | Tensor) -> Tensor:
        """Some of the images: (B, C, H, W) in [0, 1], in host memory."""
        return to_unit(take(self.data.train.images, self.rows[which]))
