"""``vaezoo plugins new``: create a plugin package."""

from __future__ import annotations

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.registry import KINDS


@click.command("new", epilog="Example: vaezoo plugins new vaezoo-mine --kind encoder")
@click.argument("name")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help=f"Kind of a component to create: {', '.join(KINDS)}. Repeatable. [default: encoder]",
)
@click.option(
    "--hooks", is_flag=True, help="Add hooks: a log of every run, and a command that reads it."
)
@click.option(
    "--directory",
    default=".",
    type=options.PathType(file_okay=False),
    help="Parent folder of the new package.",
    show_default=True,
)
@click.pass_obj
def command(
    context: Context, name: str, kinds: tuple[str, ...], hooks: bool, directory: str
) -> None:
    """Write a complete plugin package to a new folder NAME.

    The package is ready to install and test: components, conformance tests, a spec, a README and
    a CI workflow.
    """
    from vaezoo.registry.scaffold import new_plugin

    created = new_plugin(
        name,
        kinds=kinds or (() if hooks else ("encoder",)),
        hooks=hooks,
        directory=directory,
        registry=context.registry,
    )
    click.echo(f"created {created.folder} with {len(created.files)} files\nnext:")
    for line in created.commands:
        click.echo(f"  {line}")
