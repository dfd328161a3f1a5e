"""``vaezoo draw``."""

from __future__ import annotations

from pathlib import Path

import click

from vaezoo.cli import completion, options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import tell


@click.command(epilog="Example: vaezoo draw fashion_mlp2 samples manifold --out pictures")
@click.argument("name", type=options.ENTRY)
@click.argument(
    "visualizers",
    nargs=-1,
    metavar="[VISUALIZER]...",
    shell_complete=completion.of_kind("visualizer"),
)
@click.option(
    "--out",
    type=options.PathType(file_okay=False, path_type=Path),
    help="Output folder. [default: NAME-figures]",
)
@options.force
@options.on_data
@click.pass_obj
def command(
    context: Context,
    name: str,
    visualizers: tuple[str, ...],
    out: Path | None,
    overrides: tuple[str, ...],
    force: bool,
    device: str,
    zoo: str | None,
) -> None:
    """Draw images of a trained model: those of its spec, or each named VISUALIZER.

    NAME is an entry of the zoo, its folder or its weights file. 'vaezoo plugins list' lists the
    visualizers.
    """
    from vaezoo.zoo.draw_entry import redraw

    folder = out or Path(f"{Path(name).stem}-figures")
    for path in redraw(
        name,
        visualizers,
        folder,
        zoo=zoo,
        device=device,
        force=force,
        registry=context.registry,
        overrides=overrides,
        announce=lambda picture: click.echo(f"drawing {picture}", err=True),
    ):
        tell(path)
