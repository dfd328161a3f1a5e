"""``vaezoo run``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.processes import Processes, apart

if TYPE_CHECKING:
    from vaezoo.members import How, Together
    from vaezoo.registry import Registry
    from vaezoo.spec import Spec
    from vaezoo.spec.reader import Reading
    from vaezoo.training.roads import Wish


@click.command(epilog="Example: vaezoo run specs/fashion_mlp2.yaml --set train.epochs=2")
@click.argument("spec", type=click.Path())
@options.device
@options.overrides
@options.zoo
@options.compile
@click.option(
    "--together",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Train the members of a matrix in one job. auto does so on a GPU, where they differ "
    "in seeds, weights of the loss and learning rates alone.",
)
@click.option("--fresh", is_flag=True, help="Start anew even where a stopped run could go on.")
@click.pass_obj
def command(
    context: Context,
    spec: str,
    device: str,
    overrides: tuple[str, ...],
    zoo: str | None,
    compile: Wish,
    together: Together,
    fresh: bool,
) -> int:
    """Train a SPEC, evaluate it, draw its pictures and publish it to the zoo.

    Ctrl-C stops the run; the same command goes on from its last whole epoch. Of a SPEC with a
    matrix every member is trained and published by its own name. Under torchrun, several
    processes and machines train one model together.
    """
    from vaezoo.spec.reader import examine

    reading = examine(spec, overrides=overrides, registry=context.registry)
    how: How = {"zoo": zoo, "device": device, "fresh": fresh, "compile": compile}
    first, *_ = reading.specs
    processes = Processes.of_environment()
    if processes.count > 1 and reading.axes:
        raise apart(
            f"a matrix is not trained by {processes.count} processes together",
            "give each member a torchrun of its own, choosing it with --set, or run one process",
        )
    if not processes.is_first:
        _assist(first, how)
    if reading.axes:
        return _run_members(reading, context.registry, together, how)
    return _run_one(first, context.registry, how)


def _run_one(spec: Spec, registry: Registry, how: How) -> int:
    from vaezoo.cli.progress import progress, summarize
    from vaezoo.road import run

    with progress() as shown:
        entry = run(spec, observer=shown, registry=registry, **how)
    for line in summarize(entry):
        click.echo(line)
    return 0


def _assist(spec: Spec, how: How) -> NoReturn:
    from vaezoo.road import assist

    assist(spec, device=how["device"], compile=how["compile"])
    # all is done here, and torchrun would take it for a failure if a thread of the connection
    # that is just ending aborted the interpreter's own end
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _run_members(reading: Reading, registry: Registry, together: Together, how: How) -> int:
    from vaezoo.cli.members import show_errors, summarize_members, write_picture
    from vaezoo.cli.progress import progress
    from vaezoo.members import sweep

    with progress() as shown:
        outcomes = sweep(reading, observer=shown, registry=registry, together=together, **how)
    picture = write_picture(outcomes, reading.resolved()["name"])
    for line in summarize_members(outcomes, picture):
        click.echo(line)
    return 3 if show_errors(outcomes) else 0
