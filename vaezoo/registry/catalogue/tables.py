"""All components and plugins as rows, for ``vaezoo plugins list``."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaezoo.diagnostics.columns import aligned, with_summaries
from vaezoo.diagnostics.printable import in_log, printable
from vaezoo.registry import Component, Plugin, Registry
from vaezoo.registry.catalogue.describe import ComponentSource, file_of
from vaezoo.registry.discovery.plugin_findings import ENABLE_PLUGIN


@dataclass(frozen=True)
class ComponentRow(ComponentSource):
    """A component, its source and its state.

    ``seconds`` is the import time of its plugin; ``state`` is ``ok`` or the problem. ``summary``
    is the first sentence of its documentation.
    """

    seconds: float
    state: str
    summary: str


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
                _summary(component),
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


def as_table(
    components: Sequence[ComponentRow], plugins: Sequence[PluginRow], width: int | None = None
) -> str:
    """The components with their summaries, the plugins, and a paragraph for each that is not ok.

    Lines have at most ``width`` characters, unless a name or path is longer.
    """
    paragraphs = []
    if components:
        rows = [("KIND", "NAME", "PLUGIN"), *((r.kind, r.name, r.plugin) for r in components)]
        # the state of a plugin, such as slow, is told once below
        of_plugin = {plugin.name: plugin.state for plugin in plugins}
        texts = [r.summary if r.state == of_plugin.get(r.plugin) else r.state for r in components]
        paragraphs.append("\n".join(with_summaries(rows, ["SUMMARY", *texts], width)))
    used = {row.plugin for row in components}
    loaded = [plugin for plugin in plugins if plugin.state == "ok" or plugin.name in used]
    if loaded:
        rows = [("PLUGIN", "VERSION", "IMPORT"), *(_cells(plugin) for plugin in loaded)]
        files = ["FILE", *(plugin.file for plugin in loaded)]
        lines = aligned([(*row, file) for row, file in zip(rows, files, strict=True)])
        paragraphs.append("\n".join(lines))
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


def in_milliseconds(seconds: float) -> str:
    """An import time as text."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _cells(plugin: PluginRow) -> tuple[str, str, str]:
    return plugin.name, plugin.version, in_milliseconds(plugin.seconds)


def _summary(component: type[Component]) -> str:
    """The first sentence of a component's documentation, without marks."""
    paragraph = " ".join((inspect.getdoc(component) or "").partition("\n\n")[0].split())
    sentence = re.split(r"(?<=\.)(?<!\bal\.) ", paragraph, maxsplit=1)[0]
    return sentence.replace("`", "").removesuffix(".")


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
