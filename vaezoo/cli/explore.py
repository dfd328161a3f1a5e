"""``vaezoo explore``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell


@click.command(epilog="Example: vaezoo explore fashion_mlp2 --out fashion.html")
@click.argument("name", type=options.REFERENCE)
@click.argument("other", required=False, type=options.REFERENCE)
@click.option(
    "--out",
    type=options.PathType(dir_okay=False, path_type=Path),
    help="Output file. [default: NAME-explore.html]",
)
@options.force
@options.data_overrides
@options.zoo
@click.pass_obj
def command(
    context: Context,
    name: str,
    other: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    force: bool,
    zoo: str | None,
) -> None:
    """Write a web page that decodes the latents of a trained model as you move them.

    The page is one file: it contains the model, some test images and a program in JavaScript, and
    needs no network. Drag in the latent space, encode a drawing, interpolate, sample. With OTHER,
    the page shows two models side by side for the same image. NAME and OTHER are entries of the
    zoo, their folders or weights files.
    """
    from vaezoo.explorer import explore
    from vaezoo.explorer.write_explorer import explorer_path

    written = explore(
        name,
        other,
        out=out or explorer_path(name, other),
        zoo=zoo,
        force=force,
        registry=context.registry,
        overrides=overrides,
    )
    tell(written)
