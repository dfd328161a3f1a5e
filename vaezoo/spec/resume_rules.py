"""Which changes of ``epochs`` and ``early_stopping`` allow a stopped run to resume.

These keys do not change an epoch, so ``Spec.training_digest`` omits them. A run checks them when
it resumes: the result must equal that of an uninterrupted run with the new settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.registry import EpochRecord
from vaezoo.spec.early_stopping import outcome
from vaezoo.spec.spec import TrainSpec


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
