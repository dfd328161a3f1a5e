"""Findings about components that are missing, ambiguous or broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, suggest
from vaezoo.diagnostics.confusables import plain
from vaezoo.registry.discovery.metadata_cache import PluginMetadata
from vaezoo.registry.discovery.packages import packages
from vaezoo.registry.discovery.plugin import Plugin

#: What to do about a disabled plugin.
ENABLE_PLUGIN = "remove it from VAEZOO_DISABLE_PLUGINS, or drop --no-plugins"


@dataclass(frozen=True)
class SearchResult:
    """The plugins by name, their metadata, and (kind, name, ``plugin:name``) of each component."""

    plugins: Mapping[str, Plugin]
    facts: Mapping[str, PluginMetadata]
    components: Sequence[tuple[str, str, str]]


def ambiguous(kind: str, use: str, several: Sequence[tuple[str, Plugin]]) -> Diagnostic:
    """VZ302: several plugins have the name; ``several`` holds (``plugin:name``, plugin)."""
    both = " and ".join(f"{qualified} ({plugin.origin})" for qualified, plugin in several)
    return Diagnostic(
        "VZ302",
        f"several plugins have the {kind} {use!r}: {both}",
        hint=f"choose one, such as {{use: {several[0][0]!r}}}",
    )


def unusable(kind: str, qualified: str, plugin: Plugin, problem: str) -> Diagnostic:
    """VZ303: the component's definition is faulty."""
    return Diagnostic(
        "VZ303",
        f"the {kind} {qualified!r} of the plugin {plugin.label} cannot be used: {problem}",
        hint=f"the fault is in {plugin.origin}",
    )


def absent(kind: str, name: str, found: SearchResult) -> Diagnostic:
    """VZ301, VZ303 or VZ304: no working plugin has the component ``name`` or ``plugin:name``."""
    plugin, _, use = name.rpartition(":")
    what = f"the {kind} {name!r}"
    for home, distribution in _homes(kind, use, plugin, found):
        known = found.plugins.get(home)
        if known is None:
            return Diagnostic(
                "VZ304",
                f"{what} needs the plugin {home}, which is not installed",
                hint=f"pip install {distribution}" if distribution else _not_installed(home, found),
            )
        if known.off or known.error:
            return _unavailable(what, known)
    if plugin:
        own = [q for its, _, q in found.components if its == kind and q.startswith(f"{plugin}:")]
        return Diagnostic(
            "VZ301",
            f"the plugin {found.plugins[plugin].label} has no {kind} {use!r}",
            hint=suggest(name, own, f"its {_plural(kind)}"),
        )
    return Diagnostic("VZ301", f"unknown {kind} {name!r}", hint=_hint(kind, name, found))


def _homes(kind: str, use: str, plugin: str, found: SearchResult) -> list[tuple[str, str | None]]:
    """The plugins of the component, or the one named, with the package to install."""
    indexed = {p.plugin: p.distribution for p in packages()}
    if plugin:
        return [(plugin, indexed.get(plugin))]
    cached = [n for n, facts in found.facts.items() if (kind, use) in facts.components]
    listed = [p.plugin for p in packages() if (kind, use) in p.components]
    return [(home, indexed.get(home)) for home in dict.fromkeys((*cached, *listed))]


def _unavailable(what: str, plugin: Plugin) -> Diagnostic:
    needs = f"{what} needs the plugin {plugin.label}"
    if plugin.off:
        return Diagnostic(
            "VZ304",
            f"{needs}, which is disabled",
            hint=ENABLE_PLUGIN,
        )
    return Diagnostic(
        "VZ303",
        f"{needs}, which is broken: {plugin.error}",
        hint="fix or update it, then check it with 'vaezoo doctor'",
    )


def _not_installed(plugin: str, found: SearchResult) -> str:
    return (
        "install its package, or pass its file with --plugin; "
        f"{suggest(plugin, list(found.plugins), 'plugins')}"
    )


def _hint(kind: str, name: str, found: SearchResult) -> str:
    hint = suggest(
        plain(name), [use for its, use, _ in found.components if its == kind], _plural(kind)
    )
    elsewhere = [its for its, use, _ in found.components if its != kind and use == name]
    if elsewhere:
        hint = f"{name!r} is one of the {_plural(elsewhere[0])}; {hint}"
    off = [p.name for p in found.plugins.values() if p.off]
    if off:
        hint += f". Disabled plugins: {', '.join(off)}"
    broken = [p for p in found.plugins.values() if p.error]
    if broken:
        listed = "; ".join(f"{p.label} ({p.error})" for p in broken)
        hint += f". Broken plugins: {listed}"
    return hint


def _plural(kind: str) -> str:
    return {"loss": "losses", "topology": "topologies"}.get(kind, f"{kind}s")
