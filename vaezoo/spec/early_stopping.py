"""When a run ends, and which epoch early stopping keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vaezoo.registry import EpochRecord
from vaezoo.spec.spec import TrainSpec


class RunOutcome(NamedTuple):
    """The state of a run with a history.

    ``best_epoch`` is the epoch that early stopping keeps, 0 without early stopping. ``over_after``
    is the epoch after which the run ends, None if it continues.
    """

    best_epoch: int
    over_after: int | None


def outcome(plan: TrainSpec, history: Sequence[EpochRecord]) -> RunOutcome:
    """The state of a run of ``plan`` with this history."""
    stopping = plan.early_stopping
    best_epoch, best = 0, 0.0
    for epoch, record in enumerate(history, start=1):
        elbo = record.validation["elbo"] if record.validation else None
        if stopping and elbo is not None:
            if not best_epoch or elbo > best + stopping.min_delta:
                best_epoch, best = epoch, elbo
            if epoch - best_epoch >= stopping.patience:
                return RunOutcome(best_epoch, epoch)
        if epoch >= plan.epochs:
            return RunOutcome(best_epoch, epoch)
    return RunOutcome(best_epoch, None)
