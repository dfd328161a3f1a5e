"""All components and plugins as rows, for ``vaezoo plugins list``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaezoo.diagnostics.printable import in_log, printable
from vaezoo.registry import Plugin, Registry
from vaezoo.registry.catalogue.describe import ComponentSource, file_of
from vaezoo.registry.discovery.plugin_findings import ENABLE_PLUGIN


@dataclass(frozen=True)
class ComponentRow(ComponentSource):
    """A component, its source and its state.

    ``seconds`` is the import time of its plugin; ``state`` is ``ok`` or the problem.
    """

    seconds: float
    state: str


@dataclass(frozen=True)
class PluginRow:
    """A plugin, its source and its state; ``advice`` says what to do."""

    name: str
    version: str
    distribution: str | None
    file: str
    seconds: float
    state: str
    error: str | None
    commands: tuple[str, ...]
    advice: str | None


def component_rows(registry: Registry) -> list[ComponentRow]:
    """Every component, by kind and name. Imports all plugins."""
    every = registry.components()
    shared = Counter((r.component.kind, r.component.use) for r in every)
    rows = []
    for registered in every:
        component, plugin = registered.component, registered.plugin
        state = plugin.state
        if registered.problem:
            state = f"broken: {registered.problem}"
        elif shared[component.kind, component.use] > 1:
            state = f"shared name: write {registered.qualified}"
        rows.append(
            ComponentRow(
                component.kind,
                component.use,
                plugin.name,
                plugin.version,
                plugin.distribution,
                file_of(component),
                plugin.seconds,
                state,
            )
        )
    return rows


def plugin_rows(registry: Registry, taken: Collection[str] = ()) -> list[PluginRow]:
    """Every plugin, including broken ones. ``taken`` holds the names of vaezoo's own commands."""
    rows = []
    seen = set(taken)
    for plugin in registry.plugins:
        commands = registry.commands_of(plugin.name)
        clashes = [name for name in commands if name in seen]
        seen.update(commands)
        state, advice = plugin.state, _advice(plugin)
        if clashes and state == "ok":
            state = f"commands skipped, their names are taken: {', '.join(clashes)}"
            advice = "ask its authors to rename them"
        rows.append(
            PluginRow(
                plugin.name,
                plugin.version,
                plugin.distribution,
                plugin.origin,
                plugin.seconds,
                state,
                plugin.error,
                tuple(commands),
                advice,
            )
        )
    return rows


def as_table(components: Sequence[ComponentRow], plugins: Sequence[PluginRow]) -> str:
    """One line per component, then a paragraph for each plugin that is not ok."""
    head = ("KIND", "NAME", "PLUGIN", "VERSION", "IMPORT", "STATE", "DISTRIBUTION", "FILE")
    rows = [head, *map(_cells, components)]
    paragraphs = ["\n".join(aligned(rows))] if components else []
    for plugin in plugins:
        if plugin.state != "ok":
            origin = ", ".join(filter(None, (plugin.distribution, plugin.file)))
            lines = [f"{plugin.name} {plugin.version} ({origin})", f"  {plugin.state}"]
            lines = list(map(printable, lines))
            lines += [f"  help: {plugin.advice}"] if plugin.advice else []
            paragraphs.append("\n".join(lines))
    return in_log("\n\n".join(paragraphs)) or "no plugins"


def as_data(components: Sequence[ComponentRow], plugins: Sequence[PluginRow]) -> dict[str, Any]:
    """The same as JSON data."""
    return {
        "components": [asdict(row) for row in components],
        "plugins": [asdict(row) for row in plugins],
    }


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells in aligned columns."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def in_milliseconds(seconds: float) -> str:
    """An import time as text."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _cells(row: ComponentRow) -> tuple[str, ...]:
    return (
        row.kind,
        row.name,
        row.plugin,
        row.version,
        in_milliseconds(row.seconds),
        row.state,
        row.distribution or "–",
        row.file or "–",
    )


def _advice(plugin: Plugin) -> str | None:
    disable = f"disable it with VAEZOO_DISABLE_PLUGINS={plugin.name}"
    update = f"pip install -U {plugin.distribution}, or " if plugin.distribution else ""
    if plugin.off:
        return ENABLE_PLUGIN
    if plugin.error:
        return update + disable
    if plugin.state != "ok":
        return f"it should import heavy libraries where it uses them; {update}{disable}"
    return None
