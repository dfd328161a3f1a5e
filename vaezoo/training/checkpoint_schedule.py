"""Decide when to write checkpoints: rarely enough to cost little, and when a run is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.system.interrupts import held, requests_to_end_raised
from vaezoo.training import checkpoint
from vaezoo.training.checkpoint import Checkpointed, Snapshot

#: Training time between two checkpoints, as a multiple of the time to write one: 2 % of the run.
_MIN_INTERVAL = 50


class Saver:
    """Writes a run's checkpoints to one file.

    A checkpoint that is not written yet stays in memory, so that it can still be written when
    the next epoch is interrupted.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._unsaved: Snapshot | None = None
        self._save_seconds = 0.0
        self._last_saved = time.perf_counter()

    def finished_epoch(self, state: Checkpointed) -> None:
        """Copy the state after an epoch; write it if the last checkpoint is old enough.

        Raises RunError (VZ503) where the file cannot be written.
        """
        self._unsaved = checkpoint.snapshot(state)
        if time.perf_counter() - self._last_saved >= _MIN_INTERVAL * self._save_seconds:
            self.save()

    def save(self) -> None:
        """Write the last state if it is not written yet."""
        if self._unsaved is None:
            return
        began = time.perf_counter()
        checkpoint.save(self._unsaved, self._path, self._identity)
        self._unsaved = None
        self._last_saved = time.perf_counter()
        self._save_seconds = self._last_saved - began

    @contextmanager
    def saving_at_the_end(self) -> Iterator[None]:
        """Save when the block ends, also by an error, Ctrl-C or a termination signal."""
        with requests_to_end_raised():
            try:
                yield
            finally:
                with held():  # a second Ctrl-C waits for the checkpoint
                    self.save()
