"""``vaezoo gallery``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.cli.printing import tell
from vaezoo.cli.text_tables import counted


@click.command(epilog="Example: vaezoo gallery zoo --out site")
@click.argument("zoos", metavar="[ZOO]...", nargs=-1, type=options.PathType())
@click.option(
    "--out",
    required=True,
    type=options.PathType(path_type=Path),
    help="Folder of the site: new, empty, or written by this command before.",
)
@click.option("--title", default="vaezoo gallery", show_default=True, help="Title of the site.")
@click.option(
    "--with",
    "pages",
    multiple=True,
    type=click.Choice(["explorer", "report"]),
    help="Make another page for each model. Loads the model and takes seconds. Repeatable.",
)
def command(zoos: tuple[str, ...], out: Path, title: str, pages: tuple[str, ...]) -> None:
    """Write a static site that shows trained models.

    It has a wall of models with filters, a page for each, rate-distortion plots, a comparison of
    two, and an index.json for programs. Links are relative: open index.html, or publish the folder
    with GitHub Pages. ZOO are folders of entries; by default, the zoos that are searched for
    names. Pages of entries that have not changed are kept.
    """
    from vaezoo.gallery import build_gallery

    def announce(name: str) -> None:
        if pages:
            click.echo(f"making the pages of {name}", err=True)

    built = build_gallery(*zoos, out=out, title=title, pages=pages, announce=announce)
    made = f"{counted(len(built.made), 'page')} made" if built.made else "nothing changed"
    tell(f"gallery of {counted(len(built.entries), 'model')}, {made} → {built.page}")
