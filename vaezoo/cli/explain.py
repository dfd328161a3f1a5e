"""``vaezoo explain``: explain diagnostic codes."""

from __future__ import annotations

import shutil
import sys

import click

from vaezoo.cli import completion
from vaezoo.cli.printing import echo_json


@click.command("explain", epilog="Example: vaezoo explain VZ203")
@click.argument("codes", nargs=-1, metavar="[CODE]...", shell_complete=completion.codes)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(codes: tuple[str, ...], as_json: bool) -> None:
    """Explain each CODE and how to fix it, with a bad and a good example.

    Without a CODE, list them all.
    """
    from vaezoo.diagnostics.explanations import explain, explanations
    from vaezoo.diagnostics.explanations.page import as_data, listing, page

    color = sys.stdout.isatty()
    chosen = [explain(code) for code in codes] or list(explanations())
    if as_json:
        echo_json([as_data(one) for one in chosen])
    elif not codes:
        click.echo(listing(chosen, color=color))
    else:
        width = min(shutil.get_terminal_size().columns, 88)
        click.echo("\n\n".join(page(one, width=width, color=color) for one in chosen))
