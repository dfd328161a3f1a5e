"""A click group that imports each command on first use."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

#: Commands in the order of ``--help``: name -> (module, one line of help). The command is the
#: module's ``command``. The help line is here so that ``--help`` imports no module.
Table = Mapping[str, tuple[str, str]]


class LazyGroup(click.Group):
    """A group over a ``Table``: ``@click.group(cls=LazyGroup, table=COMMANDS)``."""

    def __init__(self, *args: Any, table: Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            return None
        command: click.Command = importlib.import_module(self.table[name][0]).command
        return command

    def help_lines(self, ctx: click.Context) -> dict[str, str]:
        """One line about each command, in order."""
        return {name: line for name, (_, line) in self.table.items()}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.help_lines(ctx).items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from vaezoo.diagnostics import nearest

            close = nearest(args[0], self.list_commands(ctx))
            hint = f" Did you mean {close!r}?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None
