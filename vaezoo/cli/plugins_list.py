"""``vaezoo plugins list``: components and plugins, including broken ones."""

from __future__ import annotations

import click

from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.cli.text_tables import terminal_width


@click.command("list", epilog="Example: vaezoo plugins list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, as_json: bool) -> None:
    """List every component with its plugin, and every broken plugin."""
    from vaezoo.cli.commands import COMMANDS
    from vaezoo.registry.catalogue.tables import as_data, as_table, component_rows, plugin_rows

    registry = context.registry_as_found
    components, plugins = component_rows(registry), plugin_rows(registry, COMMANDS)
    if as_json:
        echo_json(as_data(components, plugins))
    else:
        click.echo(as_table(components, plugins, terminal_width()))
