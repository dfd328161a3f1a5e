"""``vaezoo report``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell


@click.command(epilog="Example: vaezoo report fashion_beta1 fashion_beta4 --out beta.html")
@click.argument("name", type=options.ENTRY)
@click.argument("other", required=False, type=options.ENTRY)
@click.option("--pdf", is_flag=True, help="Write an A4 PDF instead of HTML.")
@click.option(
    "--out",
    type=options.PathType(dir_okay=False, path_type=Path),
    help="Output file, .html or .pdf. [default: NAME-report.html]",
)
@options.force
@options.on_data
@click.pass_obj
def command(
    context: Context,
    name: str,
    other: str | None,
    pdf: bool,
    out: Path | None,
    overrides: tuple[str, ...],
    force: bool,
    device: str,
    zoo: str | None,
) -> None:
    """Write a report of about two pages on a trained model, or on two side by side.

    It describes the model, derives its objective, shows curves, images and latents, explains the
    metrics and says how to train it again. NAME and OTHER are entries of the zoo, their folders
    or weights files. PDF needs one more package: pip install 'vaezoo[pdf]'.
    """
    from vaezoo.reports.write import default_path, report

    if pdf and out is not None and out.suffix.lower() != ".pdf":
        raise click.UsageError(f"--pdf was given, but {out} does not end in .pdf")
    path = out or default_path(name, other, ".pdf" if pdf else ".html")
    written = report(
        name,
        other,
        out=path,
        zoo=zoo,
        device=device,
        force=force,
        registry=context.registry,
        overrides=overrides,
    )
    tell(written)
