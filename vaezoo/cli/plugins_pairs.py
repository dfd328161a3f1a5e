"""``vaezoo plugins pairs``: which priors fit which posteriors."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json


@click.command("pairs", epilog="Example: vaezoo plugins pairs --plugin my_posterior.py")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, as_json: bool) -> None:
    """List every posterior with every prior, and how the KL between them is computed.

    It is closed, estimated by draws of z, or the two do not fit, with the reason. Each component
    has its defaults.
    """
    from vaezoo.testing.conformance.pairs import as_table, pairs

    found = pairs(context.registry)
    if as_json:
        echo_json([dataclasses.asdict(pair) for pair in found])
    else:
        click.echo(as_table(found))
