"""``vaezoo evaluate``."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import in_log


@click.command(epilog="Example: vaezoo evaluate mnist_mlp20 --metrics information,linear_probe")
@click.argument("name", type=options.REFERENCE)
@click.option(
    "--split",
    default="test",
    metavar="test|validation|train",
    show_default=True,
    help="Which images to look at.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="NAME,...",
    help="Which figures, or 'all' that there are. May be given more than once. "
    "[default: those of the spec]",
)
@click.option(
    "--iw",
    "importance_samples",
    type=options.COUNT,
    metavar="K",
    help="Take the importance-weighted bound too, with K draws of z for each image.",
)
@click.option(
    "--record", is_flag=True, help="Write the figures to the entry's metrics.json and card."
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@options.data_overrides
@options.device
@options.zoo
@click.pass_obj
def command(
    context: Context,
    name: str,
    split: str,
    metrics: tuple[str, ...],
    importance_samples: int | None,
    record: bool,
    as_json: bool,
    overrides: tuple[str, ...],
    device: str,
    zoo: str | None,
) -> None:
    """Take figures of a trained model: bounds, what its latents hold, how its images look.

    NAME is an entry of the zoo, its folder or its weights file. 'vaezoo plugins list' shows the
    metrics there are, docs/figures.md what each figure means.
    """
    from vaezoo.cli.image_progress import shown
    from vaezoo.evaluation.evaluate_entry import evaluate

    with shown() as (announce, advance):
        measured = evaluate(
            name,
            split=split,
            metrics=_names(metrics),
            importance_samples=importance_samples,
            record=record,
            zoo=zoo,
            device=device,
            registry=context.registry,
            overrides=overrides,
            announce=announce,
            advance=advance,
        )
    if as_json:
        found = [dataclasses.asdict(figure) for figure in measured.figures]
        echo_json(found)
    else:
        from vaezoo.zoo.entry_tables import figure_lines

        click.echo("\n".join(figure_lines(measured.figures)))
    for reason in measured.left_out:
        click.echo(in_log(f"left out: {reason}"), err=True)
    if record:
        click.echo(in_log(f"recorded in {measured.entry.path}"), err=True)


def _names(several: tuple[str, ...]) -> list[str]:
    """The names in one option or more, each once."""
    parts = (part.strip() for one in several for part in one.split(","))
    return list(dict.fromkeys(filter(None, parts)))
