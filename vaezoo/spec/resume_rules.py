"""Which settings a stopped run may be given anew, so that it ends as if it had had them at first.

How long to train changes nothing in an epoch. It is left out of what a checkpoint belongs to
(``Spec.training_digest``), and looked at when a run goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vaezoo.registry import EpochRecord
from vaezoo.spec.spec import TrainSpec


class ResumeEffect(NamedTuple):
    """What a plan makes of a history: the epoch whose weights early stopping keeps so far (0
    without it), and the epoch after which the run is over (None where it goes on)."""

    best_epoch: int
    over_after: int | None


def outcome(plan: TrainSpec, history: Sequence[EpochRecord]) -> ResumeEffect:
    """What a run of the plan would have done, had its epochs been these."""
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
    """Why a run of the plan cannot go on from a state with this history, if so.

    ``kept_epoch`` is the epoch whose weights were kept beside the last ones, 0 where none were.
    """
    found = outcome(plan, history)
    if found.over_after is not None and found.over_after < len(history):
        return f"it has gone {len(history)} epochs, and this spec ends after {found.over_after}"
    if plan.early_stopping and found.best_epoch != kept_epoch:
        return f"early stopping keeps epoch {found.best_epoch}, whose weights it does not hold"
    return None


def can_go_on(before: TrainSpec, after: TrainSpec) -> bool:
    """Whether every run of ``before``, wherever it was stopped, can go on as one of ``after``.

    Looks at how long they train, and at nothing else.
    """
    if after.epochs < before.epochs:
        return False
    former, latter = before.early_stopping, after.early_stopping
    if latter is None or former is None:
        return latter is None
    return latter.min_delta == former.min_delta and latter.patience >= former.patience
