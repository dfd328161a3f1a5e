"""``vaezoo schema``: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context


@click.command("schema", epilog="Example: vaezoo schema --output vaezoo.schema.json")
@click.option(
    "--output", type=options.PathType(), metavar="FILE", help="Write to a file instead of printing."
)
@options.force
@click.pass_obj
def command(context: Context, output: str | None, force: bool) -> None:
    """Write the JSON Schema of a spec, with the components of every plugin.

    Editors use it to complete and check specs.
    """
    from vaezoo.spec.json_schema import as_json, schema, write_schema

    if output is None:
        # bytes: JSON is UTF-8, independent of the terminal's encoding
        click.echo(as_json(schema(context.registry)), nl=False)
    else:
        write_schema(output, context.registry, force=force)
        click.echo(f"wrote {output}")
