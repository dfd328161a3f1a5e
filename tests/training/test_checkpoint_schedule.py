"""Checkpoints cost little time, and a stopped run always writes one."""

from __future__ import annotations

import pytest

from tests.helpers import small_spec
from tests.training.test_compiled_step import state_of
from vaezoo.training import checkpoint, checkpoint_schedule
from vaezoo.training.checkpoint_schedule import Saver


class Clock:
    """A clock that the test advances."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    ticking = Clock()
    monkeypatch.setattr(checkpoint_schedule, "time", ticking)
    return ticking


@pytest.fixture
def written(monkeypatch, clock):
    """The times at which a checkpoint was written; writing one takes a second."""
    times = []

    def save(copied, path, identity):
        clock.now += 1.0
        times.append(clock.now)

    monkeypatch.setattr(checkpoint, "save", save)
    return times


def test_writing_takes_at_most_two_percent_of_the_time(clock, written, tmp_path):
    state, keeping = state_of(small_spec()), Saver(tmp_path / "checkpoint", "it")
    for _ in range(1000):
        clock.now += 3.0  # an epoch
        keeping.finished_epoch(state)
    assert len(written) > 10
    assert len(written) * 1.0 <= 0.02 * clock.now + 1.0


def test_the_last_state_is_written_at_the_end(clock, written, tmp_path):
    state, keeping = state_of(small_spec()), Saver(tmp_path / "checkpoint", "it")

    def stopped_after_three_epochs():
        with keeping.saving_at_the_end():
            for _ in range(3):
                clock.now += 1.0
                keeping.finished_epoch(state)
            assert len(written) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_after_three_epochs()
    assert len(written) == 2
