"""``vaezoo validate``: check specs without training anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context

if TYPE_CHECKING:
    from vaezoo.spec.reader import Look


@click.command("validate", epilog="Example: vaezoo validate specs --format text --output junit.xml")
@click.argument("paths", nargs=-1, required=True, type=options.PathType(), metavar="PATH...")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value in every spec, such as loss.beta=2. Repeatable.",
)
@click.option(
    "--shapes",
    is_flag=True,
    help="Build each model on the meta device and run a forward pass.",
)
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(("text", "json", "github", "sarif", "junit")),
    help="Output format; text by default. Repeatable.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="[FORMAT=]FILE",
    help="Write a format to a file instead of printing it, such as sarif=findings.json. "
    "Repeatable.",
)
@options.force
@click.option(
    "--fix",
    is_flag=True,
    help="Fix what is safe to fix: misspelled keys and names, the format version, the order of "
    "sections. The rest of each file is unchanged.",
)
@click.option(
    "--diff",
    is_flag=True,
    help="Print the changes of --fix instead of the report. Without --fix, write nothing.",
)
@click.pass_obj
def command(
    context: Context,
    paths: tuple[str, ...],
    overrides: tuple[str, ...],
    shapes: bool,
    strict: bool,
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    force: bool,
    fix: bool,
    diff: bool,
) -> int:
    """Check specs without training: files, folders and globs; - is standard input.

    Reports all findings of all specs. Exits with 1 on errors, and with --diff alone also if
    there is something to fix.
    """
    from vaezoo.cli import fix_option
    from vaezoo.cli.finding_reports import deliver
    from vaezoo.cli.output_files import pair
    from vaezoo.spec import survey

    try:
        wanted = pair(formats, outputs, force=force)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if diff:
        wanted = fix_option.without_report(wanted, formats)
    if fix or diff:
        fix_option.refuse_pipes(paths)
    from vaezoo.zoo.unexplained_targets import unexplained

    looks: list[Look] = [unexplained]
    if shapes:
        from vaezoo.model.shape_check import shape_findings  # imports torch

        looks = [shape_findings]
    repairs = fix_option.find(paths, context.registry) if fix or diff else ()
    if diff:
        fix_option.show(repairs)
    if fix:
        fix_option.write(repairs)
    elif diff:
        fix_option.announce(repairs)
    report = survey(paths, overrides=overrides, registry=context.registry, looks=looks)
    if strict:
        report = report.strict()
    deliver(report, wanted)
    return 1 if report.errors or (repairs and not fix) else 0
