"""``vaezoo why``: show where a value of a spec comes from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli import options
from vaezoo.cli.context import Context
from vaezoo.cli.printing import echo_json
from vaezoo.diagnostics.printable import printable, without_commands

if TYPE_CHECKING:
    from vaezoo.spec.provenance import FieldDefinition, Origin, SettingOrigin


@click.command(epilog="Example: vaezoo why specs/fashion_beta4.yaml train.epochs")
@click.argument("spec", type=options.ENTRY)
@click.argument("key")
@options.overrides
@options.zoo
@options.as_json
@click.pass_obj
def command(
    context: Context,
    spec: str,
    key: str,
    overrides: tuple[str, ...],
    zoo: str | None,
    as_json: bool,
) -> None:
    """Show where the value of a KEY comes from, such as model.encoder.channels.

    Prints the value, its file and line or argument, the base values that it overrides, its
    meaning, and the plugin that defines it. For a section, such as model, prints each value.
    SPEC is a file or an entry of the zoo.
    """
    from vaezoo.zoo.spec_lookup import why

    found = why(spec, key, overrides=overrides, zoo=zoo, registry=context.registry)
    if as_json:
        echo_json([_as_data(one) for one in found])
        return
    blocks = [_block(one, sys.stdout.isatty()) for one in found]
    click.echo(without_commands("\n\n".join(blocks)))


def _block(origin: Origin, color: bool) -> str:
    from vaezoo.cli.text_tables import shown

    if origin.parts:
        lines = [f"{printable(origin.path)}:", *_table(origin.parts)]
    else:
        lines = [f"{printable(origin.path)} = {shown(origin.value)}", *_source(origin, color)]
    lines += [f"  {printable(line)}" for line in _about(origin)]
    return "\n".join(lines)


def _table(parts: Sequence[Origin]) -> list[str]:
    from vaezoo.cli.text_tables import shown
    from vaezoo.diagnostics.columns import aligned

    rows = [(f"  {one.path}", shown(one.value), _short_source(one)) for one in parts]
    return aligned(rows)


def _source(origin: Origin, color: bool) -> list[str]:
    from vaezoo.diagnostics.output.text import snippet

    if origin.setting is None:
        return ["  the default: the spec does not set it"]
    return [snippet(origin.setting.span, color=color)]


def _short_source(origin: Origin) -> str:
    from vaezoo.cli.text_tables import counted

    if origin.setting is None:
        return f"default{_of_some(origin)}"
    count = len(origin.overrode)
    over = f", over {counted(count, 'other')}" if count else ""
    return f"{_place(origin.setting)}{over}{_of_some(origin)}"


def _about(origin: Origin) -> list[str]:
    from vaezoo.cli.text_tables import shown

    lines = [f"overrode: {shown(one.value)}, {_place(one)}" for one in reversed(origin.overrode)]
    if _of_some(origin):
        lines.append(f"in the members: {shown(', '.join(origin.members))}{_of_some(origin)}")
    if origin.component:
        lines.append(f"component: {_defined(origin.component)}")
    if origin.field:
        limits = f" ({origin.field.range})" if origin.field.range else ""
        lines.append(f"meaning: {origin.field.description}{limits}")
        whose = "" if origin.field.path == origin.path else f"{origin.field.path}, "
        lines.append(f"defined by: {whose}{_defined(origin.field.definition)}")
    return lines


def _of_some(origin: Origin) -> str:
    """How many members of a matrix have it, unless all do."""
    some, several = len(origin.members), origin.out_of
    return f" ({some:,} of {several:,} members)" if some < several else ""


def _defined(one: FieldDefinition) -> str:
    return f"{one.what}, plugin {one.plugin} {one.version}, class {one.class_name}"


def _place(setting: SettingOrigin) -> str:
    from vaezoo.diagnostics.output.locations import is_argument

    return printable(setting.span.source if is_argument(setting.span) else str(setting.span))


def _as_data(origin: Origin) -> dict[str, Any]:
    """An origin as JSON data; lines and columns count from 1."""
    return {
        "key": origin.path,
        "value": origin.value,
        "default": origin.setting is None,
        "written": _setting(origin.setting) if origin.setting else None,
        "overrode": [_setting(one) for one in origin.overrode],
        "field": {**vars(origin.field), "definition": vars(origin.field.definition)}
        if origin.field
        else None,
        "component": vars(origin.component) if origin.component else None,
        "members": list(origin.members),
        "parts": [_as_data(part) for part in origin.parts],
    }


def _setting(setting: SettingOrigin) -> dict[str, Any]:
    start, end = setting.span.start, setting.span.end
    return {
        "value": setting.value,
        "source": setting.span.source,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
    }
