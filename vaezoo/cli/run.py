"""``vaezoo run``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell
from vaezoo.system.torchrun import Processes, apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaezoo.registry import Registry
    from vaezoo.runs.ledger import MemberResult
    from vaezoo.runs.sweep import RunOptions, Together
    from vaezoo.spec.reader import Reading
    from vaezoo.spec.spec import Spec
    from vaezoo.training.execution.choose_step import CompileMode


_EXAMPLES = """\b
Example: vaezoo run specs/fashion_mlp2.yaml --set train.epochs=2
Example: vaezoo run specs/fashion_mlp2.yaml --set 'matrix.train.seed=[0, 1]' --on ray
"""


@click.command(epilog=_EXAMPLES)
@click.argument("spec", type=options.REFERENCE)
@options.device
@options.overrides
@options.zoo
@options.compile
@click.option(
    "--together",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Train the members of a matrix as one ensemble. auto does so on a GPU if they differ "
    "only in seeds, loss weights and learning rates.",
)
@click.option(
    "--on",
    type=click.Choice(["here", "ray"]),
    default="here",
    show_default=True,
    help="Where to train the members of a matrix: here, one after another; or on Ray, in "
    "parallel. Uses the cluster at RAY_ADDRESS or on this machine, or starts one for this "
    "command.",
)
@click.option(
    "--cpus-per-run",
    type=options.COUNT,
    metavar="COUNT",
    help="With --on ray: CPUs and threads for each member.  [default: 1]",
)
@click.option(
    "--gpus-per-run",
    type=click.FloatRange(0),
    metavar="COUNT",
    help="With --on ray: GPUs for each member, such as 0.25.  [default: 1 if available]",
)
@click.option("--fresh", is_flag=True, help="Ignore the checkpoint and start over.")
@click.option(
    "--explore", is_flag=True, help="Then write NAME-explore.html, see 'vaezoo explore --help'."
)
@click.pass_obj
def command(
    context: Context,
    spec: str,
    device: str,
    overrides: tuple[str, ...],
    zoo: str | None,
    compile: CompileMode,
    together: Together,
    on: str,
    cpus_per_run: int | None,
    gpus_per_run: float | None,
    fresh: bool,
    explore: bool,
) -> int:
    """Train a SPEC, evaluate the model, draw its images and publish it to the zoo.

    SPEC is a file, or an entry of the zoo to train again. Ctrl-C stops the run; the same command
    resumes after the last completed epoch. Every member of a matrix is trained and published under
    its own name, with --on ray in parallel. Under torchrun, several processes and machines train
    one model together.
    """
    _refuse_contradictions(on, together, cpus_per_run, gpus_per_run)
    from vaezoo.runs.read_spec import existing_zoo
    from vaezoo.zoo.spec_lookup import look_up

    registry = context.registry
    reading = look_up(spec, overrides=overrides, zoo=existing_zoo(zoo), registry=registry)
    how: RunOptions = {"zoo": zoo, "device": device, "fresh": fresh, "compile": compile}
    first, *_ = reading.specs
    processes = Processes.of_environment()
    if explore and (reading.axes or on == "ray"):
        raise click.UsageError(
            "--explore is for one model, trained here: use 'vaezoo explore NAME'"
        )
    if processes.count > 1 and reading.axes:
        raise apart(
            f"{processes.count} processes cannot train a matrix together",
            "run torchrun once for each member, selected with --set, or use one process",
        )
    if processes.count > 1 and on == "ray":
        raise apart("torchrun and Ray cannot be combined", "use one of them")
    if not processes.is_first:
        _assist(first, how)
    if on == "ray":
        return _run_on_ray(reading, registry, cpus_per_run or 1, gpus_per_run, how)
    if reading.axes:
        return _run_members(reading, registry, together, how)
    return _run_and_explore(first, registry, how) if explore else _run_one(first, registry, how)


def _refuse_contradictions(
    on: str, together: Together, cpus_per_run: int | None, gpus_per_run: float | None
) -> None:
    """Raise click's UsageError if options contradict each other."""
    if on == "ray" and together == "on":
        raise click.UsageError(
            "--together on trains all members in one process, --on ray each in its own: use one"
        )
    for name, value in (("--cpus-per-run", cpus_per_run), ("--gpus-per-run", gpus_per_run)):
        if on == "here" and value is not None:
            raise click.UsageError(f"{name} needs --on ray")


def _run_one(spec: Spec, registry: Registry, how: RunOptions) -> int:
    from vaezoo.cli.run_progress import progress, summarize
    from vaezoo.runs.run import run

    with progress() as shown:
        entry = run(spec, observer=shown, registry=registry, **how)
    tell(*summarize(entry))
    return 0


def _run_and_explore(spec: Spec, registry: Registry, how: RunOptions) -> int:
    from vaezoo.explorer.write_explorer import check_page, explore, explorer_path

    page = explorer_path(spec.name)
    check_page(page)
    _run_one(spec, registry, how)
    tell(explore(spec.name, out=page, zoo=how["zoo"], registry=registry))
    return 0


def _assist(spec: Spec, how: RunOptions) -> NoReturn:
    from vaezoo.runs.run import assist

    assist(spec, zoo=how["zoo"], device=how["device"], compile=how["compile"])
    # a thread of the closed connection may abort the interpreter's shutdown, which torchrun
    # would count as a failure
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _run_members(reading: Reading, registry: Registry, together: Together, how: RunOptions) -> int:
    from vaezoo.cli.run_progress import progress
    from vaezoo.runs.sweep import sweep

    with progress() as shown:
        outcomes = sweep(reading, observer=shown, registry=registry, together=together, **how)
    return _show_members(reading, outcomes)


def _run_on_ray(
    reading: Reading, registry: Registry, cpus: int, gpus: float | None, how: RunOptions
) -> int:
    from vaezoo.cli.run_progress import summarize
    from vaezoo.cli.sweep_progress import sweep_progress
    from vaezoo.runs.ray import sweep_on_ray

    with sweep_progress() as shown:
        outcomes = sweep_on_ray(
            reading,
            observer=shown,
            registry=registry,
            cpus_per_run=cpus,
            gpus_per_run=gpus,
            **how,
        )
    if reading.axes:
        return _show_members(reading, outcomes)
    (only,) = outcomes
    if only.error:
        raise only.error
    assert only.entry
    tell(*summarize(only.entry))
    return 0


def _show_members(reading: Reading, outcomes: Sequence[MemberResult]) -> int:
    from vaezoo.cli.sweep_summary import show_errors, summarize_members, write_picture

    picture = write_picture(outcomes, reading.resolved()["name"])
    tell(*summarize_members(outcomes, picture))
    return 3 if show_errors(outcomes) else 0
