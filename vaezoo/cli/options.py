"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from vaezoo.cli.completion import entry_names
from vaezoo.system.files import expanded

#: The largest signed 64-bit integer: the limit of torch and numpy.
LARGEST = 2**63 - 1


class PathType(click.Path):
    """A path with ``~`` expanded, for every option and argument.

    It does not check that the file is readable: the code that reads it has a better message.
    """

    def __init__(self, *, readable: bool = False, **options: Any) -> None:
        super().__init__(readable=readable, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(str(expanded(value)) if value else value, param, ctx)
        except FileNotFoundError as error:
            self.fail(f"{value!r} not found: {error.strerror}", param, ctx)


class ReferenceType(PathType):
    """A name, such as that of an entry, or a path."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(value, param, ctx) if str(value).startswith("~") else value


class EntryType(ReferenceType):
    """An entry by name or path; shells complete both."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        names = [name for name in entry_names(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] or super().shell_complete(
            ctx, param, incomplete
        )


class ZooType(PathType):
    """A folder, or the address of a remote zoo."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if "://" in str(value) else super().convert(value, param, ctx)


REFERENCE = ReferenceType()
ENTRY = EntryType()
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
    if value == "":  # an unset variable in a script; it would mean the current folder
        raise click.BadParameter("the folder's name is empty")
    return value


zoo = click.option(
    "--zoo",
    type=ZooType(),
    callback=_some_folder,
    help="Folder, address or short name of the zoo. Default: $VAEZOO_ZOO or ./zoo.",
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
