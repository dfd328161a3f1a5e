"""``vaezoo show``: print a spec with all defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_file, echo_json

if TYPE_CHECKING:
    from vaezoo.spec.reader import Member, Reading


@click.command(epilog="Example: vaezoo show specs/fashion_beta4.yaml --set loss.beta=2")
@click.argument("spec", type=options.ENTRY)
@options.overrides
@click.option("--expand", is_flag=True, help="List the members of the matrix instead.")
@options.zoo
@options.as_json
@click.pass_obj
def command(
    context: Context,
    spec: str,
    overrides: tuple[str, ...],
    expand: bool,
    zoo: str | None,
    as_json: bool,
) -> None:
    """Print a SPEC with all defaults and bases merged in.

    SPEC is a file, an entry of the zoo, its folder or its weights file. The output is an
    equivalent spec.
    """
    from vaezoo.system.yaml_writer import resolved_text
    from vaezoo.zoo.spec_lookup import look_up

    reading = look_up(spec, overrides=overrides, zoo=zoo, registry=context.registry)
    data = reading.resolved()
    if expand and as_json:
        echo_json([_as_data(member) for member in reading.members])
    elif expand:
        click.echo("\n".join(_table(reading)))
    elif as_json:
        echo_json(data)
    else:
        echo_file(resolved_text(data))


def _as_data(member: Member) -> dict[str, Any]:
    from vaezoo.spec.reader import resolved

    assert member.spec
    values = member.data()
    return {"name": member.name, "values": values, "spec": resolved(member.spec)}


def _table(reading: Reading) -> list[str]:
    from vaezoo.cli.text_tables import shown
    from vaezoo.diagnostics.columns import aligned

    head = ("NAME", *(axis.key for axis in reading.axes))
    rows = [
        (member.name, *(shown(node.data()) for node in member.values.values()))
        for member in reading.members
    ]
    return aligned([head, *rows])
