"""When checkpoints are written: seldom enough to cost nothing, at once when a run is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.system.interrupts import held, requests_to_end_raised
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import Snapshot, TrainingState

#: Training time between two checkpoints, in times of what writing one takes: 2 % of the run.
_APART = 50


class Saver:
    """Writes a run's checkpoints to one file.

    An epoch whose checkpoint is not written yet is kept as a copy in memory, so that it can
    still be written when the next epoch is broken off.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._waiting: Snapshot | None = None
        self._cost = 0.0
        self._saved = time.perf_counter()

    def finished_epoch(self, state: TrainingState) -> None:
        """Take over the state after an epoch; write it if the last time is long enough ago.

        Raises RunError (VZ503) where the file cannot be written.
        """
        self._waiting = checkpoint.snapshot(state)
        if time.perf_counter() - self._saved >= _APART * self._cost:
            self.save()

    def save(self) -> None:
        """Write what is not written yet."""
        if self._waiting is None:
            return
        began = time.perf_counter()
        checkpoint.save(self._waiting, self._path, self._identity)
        self._waiting = None
        self._saved = time.perf_counter()
        self._cost = self._saved - began

    @contextmanager
    def saving_at_the_end(self) -> Iterator[None]:
        """Inside, nothing is lost however it ends: by an error, Ctrl-C or a request to end."""
        with requests_to_end_raised():
            try:
                yield
            finally:
                with held():  # a second Ctrl-C waits for the checkpoint
                    self.save()
