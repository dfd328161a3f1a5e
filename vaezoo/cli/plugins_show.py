"""``vaezoo plugins show``: show one component."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli import completion
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json


@click.command("show", epilog="Example: vaezoo plugins show encoder:conv")
@click.argument("component", metavar="[KIND:][PLUGIN:]NAME", shell_complete=completion.components)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, component: str, as_json: bool) -> None:
    """Show a component: description, parameters, shapes and an example."""
    from vaezoo.registry.catalogue.describe import as_text, describe, locate

    registry = context.registry
    described = describe(locate(component, registry), registry)
    if as_json:
        echo_json(dataclasses.asdict(described))
    else:
        click.echo(as_text(described))
