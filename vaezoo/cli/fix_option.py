"""``--fix`` and ``--diff`` of ``vaezoo validate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vaezoo.diagnostics.printable import in_log, printable

if TYPE_CHECKING:
    from vaezoo.cli.output_files import Outputs
    from vaezoo.registry import Registry
    from vaezoo.spec.repair import Repair


def without_report(wanted: Outputs, formats: Sequence[str]) -> Outputs:
    """What to deliver beside a diff, which takes the place of the report that would be printed.

    Raises UsageError where that report was asked for by name.
    """
    from vaezoo.cli.output_files import Outputs

    if formats and wanted.printed:
        raise click.UsageError(
            "--diff prints the diff; "
            f"give the report a file, such as --output {wanted.printed}=FILE"
        )
    return Outputs(None, wanted.files, wanted.force)


def refuse_pipes(paths: Sequence[str]) -> None:
    """Raise UsageError for a spec from a pipe: there is no file to repair."""
    from vaezoo.spec.stdin import is_pipe

    piped = next((path for path in paths if is_pipe(path)), None)
    if piped:
        raise click.UsageError(f"--fix and --diff are for files; {piped} is a pipe")


def find(paths: Sequence[str], registry: Registry) -> tuple[Repair, ...]:
    """What there is to repair."""
    from vaezoo.spec.repair import repair

    return repair(paths, registry=registry)


def show(repairs: Sequence[Repair]) -> None:
    """Print what is to change as a diff in UTF-8, independent of the terminal's encoding.

    A terminal is shown no character that would act; a file or ``patch`` gets each as it is.
    """
    shows = sys.stdout.isatty()
    for one in repairs:
        diff = in_log(one.diff()) if shows else one.diff()
        click.echo(diff.encode(), nl=False)


def write(repairs: Sequence[Repair]) -> None:
    """Write the files and say what was done.

    Raises ZooError (VZ503) at the first that cannot be written; those before it are done.
    """
    for one in repairs:
        one.write()
        click.echo(f"fixed {_told(one)}", err=True)


def announce(repairs: Sequence[Repair]) -> None:
    """Say what ``--fix`` would do."""
    for one in repairs:
        click.echo(f"would fix {_told(one)}", err=True)


def _told(repair: Repair) -> str:
    return printable(f"{repair.path}: {'; '.join(repair.changes)}")
