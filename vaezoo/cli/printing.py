"""Print JSON for programs, and lines about finished work."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from vaezoo.cli import streams
from vaezoo.diagnostics.printable import in_json, in_log


def echo_json(data: Any) -> None:
    """Print JSON data in UTF-8, independent of the terminal's encoding: programs read it.

    Surrogates, as in a file name that is not UTF-8, are escaped.
    """
    text = in_json(json.dumps(data, indent=1, ensure_ascii=False))
    click.echo(text.encode("utf-8", "backslashreplace"))


def echo_file(text: str) -> None:
    """Print the text of a file: in UTF-8, unless stdout is a terminal."""
    if sys.stdout.isatty():
        click.echo(text, nl=False)
    else:
        click.echo(text.encode("utf-8", "backslashreplace"), nl=False)


def tell(*lines: object) -> None:
    """Print lines about finished work; on stderr if stdout cannot be written.

    An unwritable stdout does not fail the command, since its work is done.
    """
    is_lost = False
    for line in (in_log(str(line)) for line in lines):
        click.echo(line, err=is_lost)
        if not is_lost and streams.lost():
            is_lost = True
            streams.forgive()
            click.echo(line, err=True)
