"""How it looks while figures are taken: a bar with the time left, or a line a metric."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Announce = Callable[[str, int], object]
Advance = Callable[[int], object]


@contextmanager
def shown() -> Iterator[tuple[Announce, Advance]]:
    """What to call with each metric's name and size, and with the examples done."""
    with _bar() if sys.stderr.isatty() else _lines() as calls:
        yield calls


@contextmanager
def _bar() -> Iterator[tuple[Announce, Advance]]:
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
                task, total=examples, description=f"taking {metric}"
            ),
            lambda examples: bar.advance(task, examples),
        )


@contextmanager
def _lines() -> Iterator[tuple[Announce, Advance]]:
    yield (
        lambda metric, examples: click.echo(f"taking {metric}: {examples:,} images", err=True),
        lambda examples: None,
    )
