"""``vaezoo zoo migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.diagnostics import DataError, PluginError, ZooError, describe
from vaezoo.diagnostics.printable import in_log

if TYPE_CHECKING:
    from vaezoo.evaluation.migrate import Migrated


@click.command("migrate", epilog="Example: vaezoo zoo migrate fashion_mlp2")
@click.argument("names", nargs=-1, type=options.ENTRY, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Migrate every entry of the zoo's folder.")
@click.option(
    "--spec",
    type=options.PathType(path_type=Path),
    help="Take name, summary, metrics, visualizers and targets from this spec. It must train "
    "the same weights.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use at most N samples of z for each image, as in 'vaezoo verify'.",
)
@options.device
@options.zoo
@click.pass_obj
def migrate(
    context: Context,
    names: tuple[str, ...],
    everything: bool,
    spec: Path | None,
    samples: int | None,
    device: str,
    zoo: str | None,
) -> int:
    """Migrate entries of earlier versions, without training.

    Recomputes every metric and rejects an entry whose metrics differ. Rewrites targets, notes,
    card, header and manifest; keeps the old entry. Exits with 1 if an entry was rejected.
    """
    from vaezoo.cli.evaluation_progress import shown
    from vaezoo.evaluation import migrate
    from vaezoo.zoo.search import names_in, own_folder

    if bool(names) == everything:
        raise click.UsageError("name the entries to migrate, or give --all")
    if spec is not None and len(names) != 1:
        raise click.UsageError("--spec is the spec of one entry: give its name")
    code = 0
    for name in names or names_in(own_folder(zoo)):
        with shown() as (announce, advance):
            try:
                migrated = migrate.migrate(
                    name,
                    spec=spec,
                    samples=samples,
                    zoo=zoo,
                    device=device,
                    registry=context.registry,
                    announce=announce,
                    advance=advance,
                )
            except (DataError, PluginError, ZooError) as error:  # go on with the other entries
                code = 1
                reasons = "; ".join(map(describe, error.diagnostics))
                click.echo(in_log(f"{name}: rejected: {reasons}"), err=True)
                continue
        click.echo(in_log(_line(name, migrated)))
    return code


def _line(name: str, migrated: Migrated) -> str:
    if not migrated.changed:
        return f"{name}: up to date"
    counts = [f"{migrated.taken} figures confirmed"]
    if migrated.estimated:
        counts.append(f"{migrated.estimated} estimated on a few images")
    if migrated.added:
        counts.append(f"{migrated.added} added")
    return f"{name}: {', '.join(counts)} → {migrated.entry.path}"
