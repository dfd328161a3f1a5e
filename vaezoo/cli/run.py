"""``vaezoo run``."""

from __future__ import annotations

import sys

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context


@click.command(epilog="Example: vaezoo run specs/fashion_mlp2.yaml --set train.epochs=2")
@click.argument("spec", type=click.Path())
@options.device
@options.overrides
@options.zoo
@click.option("--fresh", is_flag=True, help="Start anew even where a stopped run could go on.")
@click.pass_obj
def command(
    context: Context,
    spec: str,
    device: str,
    overrides: tuple[str, ...],
    zoo: str | None,
    fresh: bool,
) -> None:
    """Train a SPEC, evaluate it, draw its pictures and publish it to the zoo.

    Ctrl-C stops the run; the same command goes on from its last whole epoch.
    """
    from vaezoo.cli.progress import LiveProgress, PlainProgress, summarize
    from vaezoo.road import run

    progress = LiveProgress() if sys.stderr.isatty() else PlainProgress()
    with progress:
        entry = run(
            spec,
            overrides=overrides,
            zoo=zoo,
            device=device,
            fresh=fresh,
            observer=progress,
            registry=context.registry,
        )
    for line in summarize(entry):
        click.echo(line)
