"""Show the progress of a transfer on stderr: a bar with the time left, or lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from vaezoo.diagnostics.printable import in_log
from vaezoo.system.files import in_units
from vaezoo.zoo.remote.remote_files import Advance

#: Seconds between two lines in a log. A transfer that takes less shows nothing there.
_INTERVAL = 10.0


@contextmanager
def transfer_shown(what: str, size: int) -> Iterator[Advance]:
    """A callback that takes the number of bytes just transferred; negative ones start over."""
    if sys.stderr is not None and sys.stderr.isatty():
        with _bar(what, size) as advance:
            yield advance
    else:
        yield TransferLog(what, size).advance


@contextmanager
def _bar(what: str, size: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(in_log(what), total=size)
        yield lambda done: bar.advance(task, done)


class TransferLog:
    """A line every few seconds, with the time left at the mean speed so far."""

    def __init__(self, what: str, size: int) -> None:
        self._what, self._size, self._done = what, size, 0
        self._began = self._last = time.monotonic()

    def advance(self, done: int) -> None:
        """Count bytes."""
        self._done += done
        now = time.monotonic()
        if now - self._last < _INTERVAL or self._done >= self._size:
            return
        self._last = now
        left = (now - self._began) * (self._size - self._done) / max(self._done, 1)
        minutes, seconds = divmod(round(left), 60)
        share = f"{in_units(self._done)} of {in_units(self._size)}"
        line = in_log(f"{self._what}: {share}, ETA {minutes}:{seconds:02}")
        print(line, file=sys.stderr, flush=True)
