"""The interface of a training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from vaezoo.registry import Batch


@dataclass(frozen=True)
class ScheduledValues:
    """The scheduled hyperparameters at one step: loss weights and learning rate."""

    weights: Mapping[str, float]
    lr: float


class Step(Protocol):
    """Trains on one batch."""

    #: names of the loss terms, in the order of the sums; empty before the first step
    terms: tuple[str, ...]

    def prepare(self, images: Tensor) -> Tensor:
        """Convert the stored images of several batches to the step's input format."""

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        """Update the model; the sum of each loss term over the batch: (T,), on the device."""
