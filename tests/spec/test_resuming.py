"""The training loop, and the rules for resuming a stopped run with another plan, agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vaezoo.registry import EpochRecord
from vaezoo.spec.early_stopping import outcome
from vaezoo.spec.resume_rules import can_go_on, refusal
from vaezoo.spec.spec import TrainSpec

ELBOS = st.lists(st.integers(-3, 3).map(float), max_size=12)
STOPPING = st.none() | st.builds(
    lambda patience, min_delta: {"patience": patience, "min_delta": min_delta},
    st.integers(1, 4),
    st.sampled_from([0.0, 1.0]),
)


def plan(epochs: int, early_stopping: dict[str, Any] | None) -> TrainSpec:
    from vaezoo.registry import discover

    data = {"epochs": epochs, "early_stopping": early_stopping}
    return TrainSpec.model_validate(data, context={"registry": discover()})


PLANS = st.builds(plan, st.integers(1, 10), STOPPING)


def records(elbos: list[float]) -> list[EpochRecord]:
    return [
        EpochRecord(epoch, {}, {"elbo": elbo}, {}, 0.0, 0.0, 0.0)
        for epoch, elbo in enumerate(elbos, start=1)
    ]


def trained(chosen: TrainSpec, elbos: list[float]) -> Any:
    """What the loop makes of a plan whose epochs have these validation figures."""
    from vaezoo.training import loop

    state: Any = SimpleNamespace(history=[], best=None, best_epoch=0)
    spec: Any = SimpleNamespace(train=chosen)
    for record in records(elbos):
        state.epoch = len(state.history)
        if loop.is_finished(spec, state):
            break
        state.history.append(record)
        state.evaluated_weights = lambda: {"weights": SimpleNamespace(clone=int)}
        loop._keep_best(spec, state)
    state.epoch = len(state.history)
    state.over = loop.is_finished(spec, state)
    return state


def expected(chosen: TrainSpec, elbos: list[float]) -> tuple[int, int | None]:
    """The best epoch, and the epoch that ends the run, by the definition of early stopping.

    An epoch is the best one if its ELBO exceeds that of the best epoch before it by more than
    ``min_delta``. The run ends when ``patience`` epochs in a row were not.
    """
    stopping = chosen.early_stopping
    bests: list[int] = []
    for epoch in range(1, min(len(elbos), chosen.epochs) + 1):
        if stopping:
            if not bests or elbos[epoch - 1] - elbos[bests[-1] - 1] > stopping.min_delta:
                bests.append(epoch)
            if epoch - bests[-1] == stopping.patience:
                return bests[-1], epoch
        if epoch == chosen.epochs:
            return (bests or [0])[-1], epoch
    return (bests or [0])[-1], None


@settings(deadline=None)
@given(PLANS, ELBOS)
def test_the_outcome_and_the_loop_follow_the_definition(
    chosen: TrainSpec, elbos: list[float]
) -> None:
    best_epoch, over_after = expected(chosen, elbos)
    found = outcome(chosen, records(elbos))
    assert (found.best_epoch, found.over_after) == (best_epoch, over_after)
    state = trained(chosen, elbos)
    assert state.best_epoch == best_epoch
    assert (len(state.history) if state.over else None) == over_after


@settings(deadline=None)
@given(PLANS, PLANS, ELBOS)
def test_a_resumable_change_is_never_rejected(
    before: TrainSpec, after: TrainSpec, elbos: list[float]
) -> None:
    state = trained(before, elbos)
    if can_go_on(before, after):
        assert refusal(after, state.history, state.best_epoch) is None


@settings(deadline=None)
@given(PLANS, PLANS, ELBOS)
def test_a_resume_that_is_allowed_equals_the_other_run(
    before: TrainSpec, after: TrainSpec, elbos: list[float]
) -> None:
    state = trained(before, elbos)
    if refusal(after, state.history, state.best_epoch) is None:
        alone = trained(after, elbos)
        assert len(alone.history) >= len(state.history)
        reached = outcome(after, state.history)
        assert reached.best_epoch == (state.best_epoch if after.early_stopping else 0)
