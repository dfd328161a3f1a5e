"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from vaezoo.system.files import expanded

#: The largest integer of 64 bits: what libraries below take.
LARGEST = 2**63 - 1


class PathType(click.Path):
    """A path on the command line, as every option and argument has it: ``~`` is expanded.

    Whether it can be read is left to whoever reads it, whose error says more.
    """

    def __init__(self, *, readable: bool = False, **options: Any) -> None:
        super().__init__(readable=readable, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(str(expanded(value)) if value else value, param, ctx)
        except FileNotFoundError as error:
            self.fail(f"{value!r} cannot be found: {error.strerror}", param, ctx)


class ReferenceType(PathType):
    """A name, such as that of an entry, or a path."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(value, param, ctx) if str(value).startswith("~") else value


REFERENCE = ReferenceType()
COUNT = click.IntRange(min=1, max=LARGEST)

device = click.option(
    "--device",
    default="auto",
    metavar="auto|cpu|cuda|mps",
    help="Device. auto chooses the fastest available.",
    show_default=True,
)
compile = click.option(
    "--compile",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Compile the training step. auto compiles if the run is long enough to save time.",
)


def _some_folder(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    if value == "":  # an unset variable in a script, which would mean the current folder
        raise click.BadParameter("the folder's name is empty")
    return value


zoo = click.option(
    "--zoo",
    type=PathType(),
    callback=_some_folder,
    help="Folder of the zoo. Default: $VAEZOO_ZOO or ./zoo.",
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value of the spec, such as loss.beta=2. Repeatable.",
)
data_overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="dataset.KEY=VALUE",
    help="Location of the data, such as dataset.path=FOLDER. Repeatable.",
)
force = click.option("--force", is_flag=True, help="Overwrite an existing file of another kind.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def on_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that applies a trained model to its dataset."""
    return data_overrides(device(zoo(command)))
