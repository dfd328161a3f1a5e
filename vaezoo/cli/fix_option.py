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
    """The outputs without the printed report: ``--diff`` prints a diff in its place.

    Raises UsageError if a ``--format`` was to be printed.
    """
    from vaezoo.cli.output_files import Outputs

    if formats and wanted.printed:
        raise click.UsageError(
            f"--diff replaces the printed report; write it to --output {wanted.printed}=FILE"
        )
    return Outputs(None, wanted.files, wanted.force)


def refuse_pipes(paths: Sequence[str]) -> None:
    """Raise UsageError for a spec from a pipe: it cannot be repaired."""
    from vaezoo.spec.stdin import is_pipe

    piped = next((path for path in paths if is_pipe(path)), None)
    if piped:
        raise click.UsageError(f"--fix and --diff need files; {piped} is a pipe")


def find(paths: Sequence[str], registry: Registry) -> tuple[Repair, ...]:
    """The repairs that the files need."""
    from vaezoo.spec.repair import repair

    return repair(paths, registry=registry)


def show(repairs: Sequence[Repair]) -> None:
    """Print the repairs as a diff in UTF-8, independent of the terminal's encoding.

    Control characters are escaped on a terminal, but not in a file or a pipe to ``patch``.
    """
    is_terminal = sys.stdout.isatty()
    for one in repairs:
        diff = in_log(one.diff()) if is_terminal else one.diff()
        click.echo(diff.encode(), nl=False)


def write(repairs: Sequence[Repair]) -> None:
    """Write and list the repairs. Raises ZooError (VZ503) at the first file that fails."""
    for one in repairs:
        one.write()
        click.echo(f"fixed {_described(one)}", err=True)


def announce(repairs: Sequence[Repair]) -> None:
    """List what ``--fix`` would do."""
    for one in repairs:
        click.echo(f"would fix {_described(one)}", err=True)


def _described(repair: Repair) -> str:
    return printable(f"{repair.path}: {'; '.join(repair.changes)}")
