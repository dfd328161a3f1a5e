"""Which changes of ``epochs`` and ``early_stopping`` allow a stopped run to resume.

These keys do not change an epoch, so ``Spec.training_digest`` omits them. A run checks them when
it resumes: the result must equal that of an uninterrupted run with the new settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vaezoo.registry import EpochRecord
from vaezoo.spec.spec import TrainSpec


class ResumeEffect(NamedTuple):
    """The state of a run with a history.

    ``best_epoch`` is the epoch that early stopping keeps, 0 without early stopping. ``over_after``
    is the epoch after which the run ends, None if it continues.
    """

    best_epoch: int
    over_after: int | None


def outcome(plan: TrainSpec, history: Sequence[EpochRecord]) -> ResumeEffect:
    """The state of a run of ``plan`` with this history."""
    stopping = plan.early_stopping
    best_epoch, best = 0, 0.0
    for epoch, record in enumerate(history, start=1):
        elbo = record.validation["elbo"] if record.validation else None
        if stopping and elbo is not None:
            if not best_epoch or elbo > best + stopping.min_delta:
                best_epoch, best = epoch, elbo
            if epoch - best_epoch >= stopping.patience:
                return ResumeEffect(best_epoch, epoch)
        if epoch >= plan.epochs:
            return ResumeEffect(best_epoch, epoch)
    return ResumeEffect(best_epoch, None)


def refusal(plan: TrainSpec, history: Sequence[EpochRecord], kept_epoch: int) -> str | None:
    """Why a run of ``plan`` cannot resume from a checkpoint with this history, else None.

    ``kept_epoch`` is the epoch whose best weights the checkpoint holds, 0 if it holds none.
    """
    found = outcome(plan, history)
    if found.over_after is not None and found.over_after < len(history):
        return f"it has {len(history)} epochs, but this spec ends after {found.over_after}"
    if plan.early_stopping and found.best_epoch != kept_epoch:
        return f"it lacks the weights of epoch {found.best_epoch}, which early stopping needs"
    return None


def can_go_on(before: TrainSpec, after: TrainSpec) -> bool:
    """Whether a run of ``before``, stopped at any epoch, can resume as ``after``.

    Compares only ``epochs`` and ``early_stopping``.
    """
    if after.epochs < before.epochs:
        return False
    old, new = before.early_stopping, after.early_stopping
    if new is None or old is None:
        return new is None
    return new.min_delta == old.min_delta and new.patience >= old.patience
