"""``vaezoo validate``: check specs without training anything."""

from __future__ import annotations

import sys

import click

from vaezoo.cli.context import Context


@click.command("validate", epilog="Example: vaezoo validate specs --set train.epochs=1")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value in every spec first, such as loss.beta=2. May be given more than once.",
)
@click.pass_obj
def command(context: Context, paths: tuple[str, ...], overrides: tuple[str, ...]) -> int:
    """Check specs without training anything: files, folders and globs.

    Reports all findings of all specs; exits with 1 when there is an error.
    """
    from vaezoo.rendering import render
    from vaezoo.spec import survey

    report = survey(paths, overrides=overrides, registry=context.registry)
    if report.diagnostics:
        click.echo(render(report.diagnostics, color=sys.stderr.isatty()) + "\n", err=True)
    total = _count(len(report.files), "spec")
    if not report.errors:
        click.echo(f"{total} {'is' if len(report.files) == 1 else 'are'} valid")
        return 0
    click.echo(f"{_count(report.errors, 'error')} in {report.invalid} of {total}", err=True)
    return 1


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
