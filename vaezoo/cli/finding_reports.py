"""Deliver reports to the terminal, to files and to GitHub's job summary."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from vaezoo.cli.output_files import Outputs, append_step_summary
from vaezoo.diagnostics.output import Report, formatted, render


def deliver(report: Report, wanted: Outputs) -> None:
    """Print and write a report. Raises ZooError (VZ503) if a file cannot be written."""
    if wanted.printed == "text":
        _print_text(report)
    elif wanted.printed:  # for programs: UTF-8, independent of the terminal's encoding
        click.echo(formatted(report, wanted.printed).encode(), nl=False)
    else:
        click.echo(report.summary(), err=True)
    wanted.write(report)
    step_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if step_summary and "github" in wanted.formats:
        append_step_summary(report, Path(step_summary))


def _print_text(report: Report) -> None:
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    findings = render(report.diagnostics, color=color)
    text = f"{findings}\n\n{report.summary()}" if findings else report.summary()
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding))
