"""What shells complete: entries, codes, components. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from vaezoo.cli.context import Context

Completion = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def entry_names(context: click.Context) -> list[str]:
    """The names of the entries that the command finds, without duplicates."""
    from vaezoo.diagnostics import VaezooError
    from vaezoo.zoo.search import names_in, search_folders

    try:
        folders = search_folders(context.params.get("zoo"))
    except (VaezooError, OSError):  # a --zoo that does not exist; the command reports it
        return []
    return sorted({name for folder in folders for name in names_in(folder)})


def codes(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """Diagnostic codes with their titles."""
    from vaezoo.diagnostics import CODES

    start = start.upper()
    return [CompletionItem(c, help=title) for c, title in CODES.items() if c.startswith(start)]


def components(
    context: click.Context, parameter: click.Parameter, start: str
) -> list[CompletionItem]:
    """Components by name; with their kind after a colon, or if several kinds share the name."""
    rows = _components(context)
    names = [use for _, use in rows]
    if ":" in start:
        return _items(start, (f"{kind}:{use}" for kind, use in rows))
    shared = (f"{kind}:{use}" for kind, use in rows if names.count(use) > 1)
    return _items(start, sorted({use for use in names if names.count(use) == 1} | {*shared}))


def of_kind(kind: str) -> Completion:
    """Components of one kind by name; the last one of a list with commas."""

    def complete(
        context: click.Context, parameter: click.Parameter, start: str
    ) -> list[CompletionItem]:
        before, comma, last = start.rpartition(",")
        names = (use for of, use in _components(context) if of == kind and use.startswith(last))
        return [CompletionItem(f"{before}{comma}{name}") for name in names]

    return complete


def _components(context: click.Context) -> list[tuple[str, str]]:
    """The kinds and names of all components."""
    found = context.find_object(Context) or Context()
    rows = [(row.component.kind, row.component.use) for row in found.registry_as_found.components()]
    return list(dict.fromkeys(rows))


def _items(start: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(start)]
