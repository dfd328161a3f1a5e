"""``vaezoo diff``: compare two specs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import in_log, printable

if TYPE_CHECKING:
    from vaezoo.spec.difference import Change, Difference


@click.command(
    epilog="Example: vaezoo diff specs/fashion_beta1.yaml specs/fashion_beta4.yaml",
)
@click.argument("before", type=options.ENTRY)
@click.argument("after", required=False, type=options.ENTRY)
@options.overrides
@options.zoo
@options.as_json
@click.pass_obj
def command(
    context: Context,
    before: str,
    after: str | None,
    overrides: tuple[str, ...],
    zoo: str | None,
    as_json: bool,
) -> int:
    """Compare two specs: files, or entries of the zoo by name, folder or weights file.

    Compares values, not formatting. --set overrides values of AFTER, which may then be omitted.
    Each change is labeled with its effect on a model trained from BEFORE:

    \b
    weights incompatible  weights of one do not fit the other
    needs retraining      they fit, but training gives other values
    safe to resume        a stopped run of BEFORE resumes as AFTER
    cosmetic              the weights are the same

    Exits with 0 if they are equal and 1 if they differ.
    """
    from vaezoo.zoo.spec_lookup import diff

    if after is None and not overrides:
        raise click.UsageError("give a second spec, or --set")
    found = diff(before, after or before, overrides=overrides, zoo=zoo, registry=context.registry)
    if as_json:
        echo_json(_as_data(found))
    else:
        click.echo(in_log("\n".join(map(printable, _lines(found)))))
    return 1 if found.changes else 0


def _as_data(found: Difference) -> dict[str, Any]:
    return {
        "effect": found.effect.value if found.effect else None,
        "goes_on": found.goes_on,
        "changes": [{**vars(change), "effect": change.effect.value} for change in found.changes],
    }


def _lines(found: Difference) -> list[str]:
    if not found.changes:
        return ["no difference: the two mean the same"]
    lines: list[str] = []
    for effect, changes in groupby(found.changes, key=lambda change: change.effect):
        lines += [effect.value, *(line for change in changes for line in _change(change)), ""]
    assert found.effect
    return [*lines, f"together: {found.effect.value}: {_meaning(found)}"]


def _meaning(found: Difference) -> str:
    from vaezoo.spec.difference import Effect

    assert found.effect
    if found.effect is Effect.RESUME and not found.goes_on:
        return "a stopped run would go on, but for its name: it is kept by the name of the first"
    return found.effect.meaning


def _change(change: Change) -> list[str]:
    """One line for a value; for a list of components, one for each removed or added."""
    from vaezoo.cli.text_tables import shown

    several = isinstance(change.before, list) and isinstance(change.after, list)
    if several and any(isinstance(item, dict) for item in [*change.before, *change.after]):
        removed = [f"    - {shown(item)}" for item in change.before if item not in change.after]
        added = [f"    + {shown(item)}" for item in change.after if item not in change.before]
        return [f"  {change.path}:", *(removed + added or ["    in another order"])]
    return [f"  {change.path}: {shown(change.before)} → {shown(change.after)}"]
