"""Show warnings as findings on stderr."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager

import click

from vaezoo.diagnostics import Diagnostic, forward_warnings


def findings_shown() -> AbstractContextManager[None]:
    """Within the context, show each ``DiagnosticWarning`` once, and others as Python does."""
    return forward_warnings(_show)


def _show(finding: Diagnostic) -> None:
    from vaezoo.diagnostics.output import render

    click.echo(f"{render([finding], color=sys.stderr.isatty())}\n", err=True)
