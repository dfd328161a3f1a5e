"""Warnings on the command line: shown like any other finding, on stderr."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import click

from vaezoo.diagnostics import DiagnosticWarning


@contextlib.contextmanager
def findings_shown() -> Iterator[None]:
    """Within, each ``DiagnosticWarning`` is shown once; other warnings as Python shows them."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, *details: Any, **options: Any) -> None:
            if not isinstance(message, DiagnosticWarning):
                others(message, *details, **options)
                return
            from vaezoo.reporting import render

            text = render([message.diagnostic], color=sys.stderr.isatty())
            click.echo(f"{text}\n", err=True)

        warnings.showwarning = show
        warnings.simplefilter("once", DiagnosticWarning)
        yield
