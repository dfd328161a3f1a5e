"""``vaezoo doctor``: find problems of the installation and suggest fixes."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json


@click.command(epilog="Example: vaezoo doctor --devices")
@click.option("--devices", is_flag=True, help="Also check devices. Imports torch.")
@options.zoo
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, devices: bool, zoo: str | None, as_json: bool) -> int:
    """Check libraries, folders and plugins. Exits with 1 if something is broken."""
    from vaezoo import doctor
    from vaezoo.cli.commands import COMMANDS

    checks = doctor.examine(context.registry_as_found, zoo=zoo, commands=COMMANDS)
    if devices:
        checks += doctor.devices()
    if as_json:
        data = [dataclasses.asdict(check) for check in checks]
        echo_json(data)
    else:
        click.echo(doctor.as_text(checks))
    return 1 if any(check.problem for check in checks) else 0
