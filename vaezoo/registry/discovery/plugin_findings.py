"""What a spec is told whose component cannot be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, suggest
from vaezoo.diagnostics.confusables import plain
from vaezoo.registry.discovery.metadata_cache import PluginMetadata
from vaezoo.registry.discovery.packages import packages
from vaezoo.registry.discovery.plugin import Plugin


@dataclass(frozen=True)
class Circumstances:
    """What a search found: the plugins by name, what is remembered of them, and the kind, name
    and ``plugin:name`` of every component."""

    plugins: Mapping[str, Plugin]
    facts: Mapping[str, PluginMetadata]
    components: Sequence[tuple[str, str, str]]


def ambiguous(kind: str, use: str, several: Sequence[tuple[str, Plugin]]) -> Diagnostic:
    """VZ302, for a name that several plugins share; each with its qualified name."""
    both = " and ".join(f"{qualified} ({plugin.origin})" for qualified, plugin in several)
    return Diagnostic(
        "VZ302",
        f"more than one plugin has the {kind} {use!r}: {both}",
        hint=f"say which one, such as {{use: {several[0][0]!r}}}",
    )


def unusable(kind: str, qualified: str, plugin: Plugin, problem: str) -> Diagnostic:
    """VZ303, for a component whose own definition is at fault."""
    return Diagnostic(
        "VZ303",
        f"the {kind} {qualified!r} of the plugin {plugin.label} cannot be used: {problem}",
        hint=f"this is a fault in {plugin.origin}",
    )


def absent(kind: str, name: str, around: Circumstances) -> Diagnostic:
    """The finding for a component that no working plugin has: VZ301, VZ303 or VZ304.

    ``name`` may be ``plugin:name``.
    """
    plugin, _, use = name.rpartition(":")
    what = f"the {kind} {name!r}"
    for home, distribution in _homes(kind, use, plugin, around):
        known = around.plugins.get(home)
        if known is None:
            return Diagnostic(
                "VZ304",
                f"{what} needs the plugin {home}, which is not installed",
                hint=f"pip install {distribution}"
                if distribution
                else _not_installed(home, around),
            )
        if known.off or known.error:
            return _out_of_use(what, known)
    if plugin:
        own = [q for its, _, q in around.components if its == kind and q.startswith(f"{plugin}:")]
        return Diagnostic(
            "VZ301",
            f"the plugin {around.plugins[plugin].label} has no {kind} called {use!r}",
            hint=suggest(name, own, f"its {_several(kind)}"),
        )
    return Diagnostic(
        "VZ301", f"there is no {kind} called {name!r}", hint=_hint(kind, name, around)
    )


def _homes(kind: str, use: str, plugin: str, around: Circumstances) -> list[tuple[str, str | None]]:
    """Plugins that have the component, or that the name itself names, and what to install."""
    indexed = {p.plugin: p.distribution for p in packages()}
    if plugin:
        return [(plugin, indexed.get(plugin))]
    remembered = [n for n, facts in around.facts.items() if (kind, use) in facts.components]
    listed = [p.plugin for p in packages() if (kind, use) in p.components]
    return [(home, indexed.get(home)) for home in dict.fromkeys((*remembered, *listed))]


def _out_of_use(what: str, plugin: Plugin) -> Diagnostic:
    needs = f"{what} needs the plugin {plugin.label}"
    if plugin.off:
        return Diagnostic(
            "VZ304",
            f"{needs}, which is switched off",
            hint="take it out of VAEZOO_DISABLE_PLUGINS, or leave out --no-plugins",
        )
    return Diagnostic(
        "VZ303",
        f"{needs}, which is broken: {plugin.error}",
        hint="repair or update it; 'vaezoo doctor' checks it again",
    )


def _not_installed(plugin: str, around: Circumstances) -> str:
    return (
        f"install the package that has it, or give its file with --plugin; "
        f"{suggest(plugin, list(around.plugins), 'plugins')}"
    )


def _hint(kind: str, name: str, around: Circumstances) -> str:
    hint = suggest(
        plain(name), [use for its, use, _ in around.components if its == kind], _several(kind)
    )
    elsewhere = [its for its, use, _ in around.components if its != kind and use == name]
    if elsewhere:
        hint = f"{name!r} is one of the {_several(elsewhere[0])}; {hint}"
    off = [p.name for p in around.plugins.values() if p.off]
    if off:
        hint += f". Plugins that are switched off: {', '.join(off)}"
    broken = [p for p in around.plugins.values() if p.error]
    if broken:
        listed = "; ".join(f"{p.label} ({p.error})" for p in broken)
        hint += f". Plugins that could not be loaded: {listed}"
    return hint


def _several(kind: str) -> str:
    return "losses" if kind == "loss" else f"{kind}s"
