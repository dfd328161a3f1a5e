"""The interface of a training step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from vaezoo.registry import Batch


@dataclass(frozen=True)
class ScheduledValues:
    """The scheduled hyperparameters at one step: loss weights and learning rates.

    ``epoch`` is the number of epochs of training before the step, with fractions.
    ``part_lrs`` holds the learning rates of parts with settings of their own, ``players`` those
    of the loss's players. ``average_decay`` is the share of the old average in the moving average
    of the weights.
    """

    weights: Mapping[str, float]
    lr: float
    part_lrs: Mapping[str, float] = field(default_factory=dict)
    average_decay: float = 0.0
    epoch: float = 0.0
    players: Mapping[str, float] = field(default_factory=dict)

    def lr_of(self, part: str | None) -> float:
        """The learning rate of a part; ``None`` is every part without its own."""
        return self.lr if part is None else self.part_lrs.get(part, self.lr)


class Step(Protocol):
    """Trains on one batch."""

    #: names of the loss terms, in the order of the sums; empty before the first step
    terms: tuple[str, ...]

    def prepare(self, images: Tensor) -> Tensor:
        """Convert the stored images of several batches to the step's input format."""

    def __call__(self, batch: Batch, now: ScheduledValues) -> Tensor:
        """Update the model; the sum of each loss term over the batch: (T,), on the device."""
