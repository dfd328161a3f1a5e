"""``vaezoo verify``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import printable, without_commands

if TYPE_CHECKING:
    from vaezoo.evaluation.verify import Verdict


@click.command(epilog="Example: vaezoo verify mnist_mlp20")
@click.argument("names", nargs=-1, type=options.ENTRY, metavar="[NAME]...")
@click.option(
    "--all", "everything", is_flag=True, help="Verify every entry that can be found by name."
)
@click.option(
    "--samples",
    type=options.COUNT,
    metavar="N",
    help="Use at most N samples of z for each image: faster, with a wider tolerance. Bounds "
    "that grow with the number of samples keep theirs, on fewer images if it is large.",
)
@click.option(
    "--key",
    type=options.PathType(path_type=Path),
    help="Require a signature by this minisign public key.",
)
@options.as_json
@options.on_data
@click.pass_obj
def command(
    context: Context,
    names: tuple[str, ...],
    everything: bool,
    samples: int | None,
    key: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
    device: str,
    zoo: str | None,
) -> int:
    """Check entries: files, weights, lock, recomputed metrics, targets.

    Metrics are not recomputed if a file has changed since it was published. Exits with 1 if a
    check fails.
    """
    from vaezoo.cli.evaluation_progress import shown
    from vaezoo.evaluation.verify import verify
    from vaezoo.zoo.search import entries

    if bool(names) == everything:
        raise click.UsageError("name the entries to verify, or give --all")
    verdicts = []
    for name in names or [entry.name for entry in entries(zoo)]:
        with shown() as (announce, advance):
            verdict = verify(
                name,
                samples=samples,
                key=key,
                zoo=zoo,
                device=device,
                registry=context.registry,
                overrides=overrides,
                announce=announce,
                advance=advance,
            )
        verdicts.append(verdict)
        if not as_json:
            click.echo(without_commands("\n".join(_lines(verdict))))
    if as_json:
        data = [
            {**dataclasses.asdict(v), "path": str(v.path), "passed": v.passed} for v in verdicts
        ]
        echo_json(data)
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _lines(verdict: Verdict) -> list[str]:
    width = max(len(check.what) for check in verdict.checks)
    mark = {
        True: click.style("PASS", fg="green"),
        False: click.style("FAIL", fg="red"),
        None: click.style("SKIP", fg="yellow"),
    }
    head = f"{click.style(printable(verdict.name), bold=True)}  {printable(str(verdict.path))}"
    return [
        head,
        *(
            f"  {mark[c.passed]}  {printable(c.what):{width}}  {printable(c.detail)}"
            for c in verdict.checks
        ),
    ]
