"""The interface of a training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class ScheduledValues:
    """The scheduled hyperparameters at one step: loss weights and learning rates."""

    weights: Mapping[str, float]
    lr: float
    players: Mapping[str, float] = field(default_factory=dict)  # their learning rates


class Step(Protocol):
    """Trains on one batch."""

    #: names of the loss terms, in the order of the sums; empty before the first step
    terms: tuple[str, ...]

    def prepare(self, images: Tensor) -> Tensor:
        """Convert the stored images of several batches to the step's input format."""

    def __call__(self, images: Tensor, now: ScheduledValues) -> Tensor:
        """Update the model; the sum of each loss term over the batch: (T,), on the device."""
