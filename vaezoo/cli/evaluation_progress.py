"""Progress over images: a bar with the time left on a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

#: Seconds between two lines about one metric in a log.
_INTERVAL = 10.0

Announce = Callable[[str, int], object]
Advance = Callable[[int], object]


@contextmanager
def shown(verb: str = "computing") -> Iterator[tuple[Announce, Advance]]:
    """Callbacks: one takes a metric's name and number of images, one the images just done."""
    with _bar(verb) if sys.stderr.isatty() else _lines(verb) as calls:
        yield calls


@contextmanager
def _bar(verb: str) -> Iterator[tuple[Announce, Advance]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("loading", total=None)
        yield (
            lambda metric, examples: bar.reset(
                task, total=examples, description=f"{verb} {metric}"
            ),
            lambda examples: bar.advance(task, examples),
        )


@contextmanager
def _lines(verb: str) -> Iterator[tuple[Announce, Advance]]:
    log = _Log(verb)
    yield log.announce, log.advance


class _Log:
    """A line when a metric starts, and another every few seconds."""

    def __init__(self, verb: str) -> None:
        self._verb = verb

    def announce(self, metric: str, examples: int) -> None:
        self._metric, self._all, self._done = metric, examples, 0
        self._began = self._last_line = time.monotonic()
        click.echo(f"{self._verb} {metric}: {examples:,} images", err=True)

    def advance(self, examples: int) -> None:
        self._done += examples
        now = time.monotonic()
        if now - self._last_line < _INTERVAL or self._done >= self._all:
            return
        self._last_line = now
        left = (now - self._began) * (self._all - self._done) / self._done
        minutes, seconds = divmod(round(left), 60)
        done = f"{self._done:,} of {self._all:,} images"
        click.echo(f"{self._verb} {self._metric}: {done}, ETA {minutes}:{seconds:02}", err=True)
