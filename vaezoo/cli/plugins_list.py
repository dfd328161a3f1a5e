"""``vaezoo plugins list``: what is installed, and what of it is broken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from vaezoo.cli.context import Context
from vaezoo.registry import Plugin, Registered


@click.command("list", epilog="Example: vaezoo plugins list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, as_json: bool) -> None:
    """List every component with its plugin, and every plugin that is broken."""
    components = context.registry.components()
    broken = [plugin for plugin in context.registry.plugins if plugin.error]
    if as_json:
        click.echo(json.dumps(_as_data(components, context.registry.plugins), indent=2))
        return
    rows = [("KIND", "NAME", "PLUGIN", "VERSION", "ORIGIN"), *map(_row, components)]
    click.echo("\n".join(_aligned(rows)))
    for plugin in broken:
        click.echo(
            f"\nbroken: {plugin.name} {plugin.version} ({plugin.origin})\n"
            f"  {plugin.error}\n"
            f"  help: leave it out with VAEZOO_DISABLE_PLUGINS={plugin.name}"
        )


def _row(registered: Registered) -> tuple[str, ...]:
    component, plugin = registered.component, registered.plugin
    return component.kind, component.use, plugin.name, plugin.version, plugin.origin


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _as_data(components: Sequence[Registered], plugins: Sequence[Plugin]) -> dict[str, Any]:
    return {
        "components": [
            dict(zip(("kind", "name", "plugin", "version", "origin"), _row(r), strict=True))
            for r in components
        ],
        "plugins": [
            {"name": p.name, "version": p.version, "origin": p.origin, "error": p.error}
            for p in plugins
        ],
    }
