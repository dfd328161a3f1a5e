"""``vaezoo evaluate``."""

from __future__ import annotations

import dataclasses

import click

from vaezoo.cli import completion, options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import in_log


@click.command(epilog="Example: vaezoo evaluate mnist_mlp20 --metrics information,linear_probe")
@click.argument("name", type=options.ENTRY)
@click.option(
    "--split",
    default="test",
    metavar="test|validation|train",
    show_default=True,
    help="Split to evaluate.",
)
@click.option(
    "--metrics",
    multiple=True,
    metavar="NAME,...",
    shell_complete=completion.of_kind("metric"),
    help="Metrics to compute, or 'all'. Repeatable. [default: those of the spec]",
)
@click.option(
    "--iw",
    "importance_samples",
    type=options.COUNT,
    metavar="K",
    help="Also compute the importance-weighted bound with K samples of z for each image.",
)
@click.option(
    "--record", is_flag=True, help="Write the metrics to the entry's metrics.json and card."
)
@options.as_json
@options.on_data
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
    """Compute metrics of a trained model: bounds, latent information, image quality.

    NAME is an entry of the zoo, its folder or its weights file. 'vaezoo plugins list' lists the
    metrics; docs/figures.md explains them.
    """
    from vaezoo.cli.evaluation_progress import shown
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
