"""``--fix`` and ``--diff`` of ``vaezoo validate``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vaezoo.reporting.places import printable

if TYPE_CHECKING:
    from vaezoo.registry import Registry
    from vaezoo.repairs import Repair
    from vaezoo.reporting.outputs import Outputs


def without_report(wanted: Outputs, formats: Sequence[str]) -> Outputs:
    """What to deliver beside a diff, which takes the place of the report that would be printed.

    Raises UsageError where that report was asked for by name.
    """
    from vaezoo.reporting.outputs import Outputs

    if formats and wanted.printed:
        raise click.UsageError(
            "--diff prints the diff; "
            f"give the report a file, such as --output {wanted.printed}=FILE"
        )
    return Outputs(None, wanted.files, wanted.force)


def find(paths: Sequence[str], registry: Registry) -> tuple[Repair, ...]:
    """What there is to repair."""
    from vaezoo.repairs import repair

    return repair(paths, registry=registry)


def show(repairs: Sequence[Repair]) -> None:
    """Print what is to change as a diff in UTF-8, whatever the terminal's encoding."""
    for one in repairs:
        click.echo(one.diff().encode(), nl=False)


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
