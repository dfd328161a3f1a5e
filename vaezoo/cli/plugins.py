"""``vaezoo plugins``: the group; each command is in its own file."""

from __future__ import annotations

import click

from vaezoo.cli.lazy import LazyGroup, Table

COMMANDS: Table = {
    "list": ("vaezoo.cli.plugins_list", "List components and plugins, including broken ones."),
    "show": ("vaezoo.cli.plugins_show", "Show a component: parameters, shapes, an example."),
    "pairs": ("vaezoo.cli.plugins_pairs", "List which priors fit which posteriors."),
    "new": ("vaezoo.cli.plugins_new", "Create a plugin package."),
    "check": ("vaezoo.cli.plugins_check", "Run the conformance checks on a plugin."),
}


@click.group(cls=LazyGroup, table=COMMANDS, epilog="Example: vaezoo plugins list")
def command() -> None:
    """List plugins and their components."""
