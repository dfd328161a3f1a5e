"""Discovery of plugins and look-up of their components.

Every plugin, ours included, arrives through the entry-point group ``vaezoo``, through
``VAEZOO_PLUGINS`` or as an extra (``--plugin``). One that fails is kept as a result with its
error; nothing here raises because of a plugin that nobody asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from vaezoo.diagnostics import Diagnostic, PluginError, suggest
from vaezoo.registry import hookspecs
from vaezoo.registry.component import KINDS, Component

_LONGEST_CAUSE = 300


@dataclass(frozen=True)
class Plugin:
    """One plugin, good or bad; ``error`` says what broke it.

    ``reference`` is the file or module by which it was asked for; an installed one has none.
    """

    name: str
    version: str
    origin: str
    seconds: float = 0.0
    error: str | None = None
    reference: str = ""


@dataclass(frozen=True)
class Registered:
    """A component class and the plugin that supplied it."""

    component: type[Component]
    plugin: Plugin

    @property
    def qualified(self) -> str:
        return f"{self.plugin.name}:{self.component.use}"


class Registry:
    """The plugins that were found and the components they supplied."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._plugins: dict[str, Plugin] = {}
        self._components: dict[tuple[str, str], list[Registered]] = {}

    @property
    def plugins(self) -> list[Plugin]:
        return list(self._plugins.values())

    def add(self, plugin: Plugin, module: ModuleType) -> None:
        """Register a loaded plugin; one that breaks in doing so is kept with its error."""
        if plugin.name in self._plugins:
            taken = f"there is a plugin of this name: {self._plugins[plugin.name].origin}"
            apart = replace(plugin, name=f"{plugin.name}@{plugin.origin}")
            self.add_broken(apart, ValueError(taken))
            return
        try:
            self._manager.register(module, name=plugin.name)
            self._manager.check_pending()
            supplied = self._supplied_by(plugin.name)
        except Exception as error:
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)
            self.add_broken(plugin, error)
            return
        self._plugins[plugin.name] = plugin
        for component in supplied:
            key = (component.kind, component.use)
            self._components.setdefault(key, []).append(Registered(component, plugin))

    def add_broken(self, plugin: Plugin, error: BaseException) -> None:
        """Remember a plugin that cannot be used, and why."""
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        cause = cause if len(cause) <= _LONGEST_CAUSE else f"{cause[:_LONGEST_CAUSE]}…"
        self._plugins[plugin.name] = replace(plugin, error=cause)

    def components(self, kind: str | None = None) -> list[Registered]:
        """Every registered component, of one kind if given, sorted by kind and name."""
        order = list(KINDS)
        found = [
            registered
            for (its_kind, _), several in self._components.items()
            for registered in several
            if kind in (None, its_kind)
        ]
        return sorted(found, key=lambda r: (order.index(r.component.kind), r.component.use))

    def find(self, kind: str, name: str) -> Registered:
        """The component that a spec calls ``name``, which may be ``plugin:name``.

        Raises PluginError (VZ301) for an unknown name, (VZ302) where two plugins share it.
        """
        plugin, _, use = name.rpartition(":")
        several = [
            registered
            for registered in self._components.get((kind, use), [])
            if plugin in ("", registered.plugin.name)
        ]
        if len(several) == 1:
            return several[0]
        if several:
            both = " and ".join(f"{r.qualified} ({r.plugin.origin})" for r in several)
            raise PluginError(
                Diagnostic(
                    "VZ302",
                    f"more than one plugin has the {kind} {use!r}: {both}",
                    hint=f"say which one, such as {{use: {several[0].qualified!r}}}",
                )
            )
        raise PluginError(self._unknown(kind, name))

    def _unknown(self, kind: str, name: str) -> Diagnostic:
        known = [r.component.use for r in self.components(kind)]
        hint = suggest(name, known, f"{kind}s")
        elsewhere = [k for k in KINDS if k != kind and (k, name) in self._components]
        if elsewhere:
            hint = f"{name!r} is one of the {elsewhere[0]}s; {hint}"
        broken = [p for p in self.plugins if p.error]
        if broken:
            listed = "; ".join(f"{p.name} {p.version} ({p.error})" for p in broken)
            hint += f". Plugins that could not be loaded: {listed}"
        return Diagnostic("VZ301", f"there is no {kind} called {name!r}", hint=hint)

    def commands(self) -> list[Any]:
        """The click commands of all plugins, in the order in which the plugins were found."""
        found: list[Any] = []
        for implementation in self._manager.hook.vaezoo_commands.get_hookimpls():
            try:
                supplied: Any = implementation.function()
                found += supplied
            except Exception as error:
                self.add_broken(self._plugins[implementation.plugin_name], error)
        return found

    def notify(self, hook: str, **arguments: Any) -> list[str]:
        """Call a run hook of every plugin; what any of them raised comes back as text."""
        failures = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except Exception as error:
                plugin = self._plugins[implementation.plugin_name]
                failures.append(
                    f"plugin {plugin.name} {plugin.version} failed in {hook}: "
                    f"{type(error).__name__}: {error}"
                )
        return failures

    def _supplied_by(self, plugin_name: str) -> list[type[Component]]:
        found: list[type[Component]] = []
        for implementation in self._manager.hook.vaezoo_components.get_hookimpls():
            if implementation.plugin_name == plugin_name:
                supplied: Any = implementation.function()
                found += supplied
        for component in found:
            _require_component(component)
        return found


def _require_component(component: object) -> None:
    if not (isinstance(component, type) and issubclass(component, Component)):
        raise TypeError(f"vaezoo_components gave {component!r}, which is not a component class")
    if component.kind not in KINDS or not component.use:
        raise TypeError(
            f"{component.__qualname__} needs a kind's base class and a name: "
            f'class {component.__name__}(Encoder, use="name")'
        )


def discover(extra: Sequence[str] = ()) -> Registry:
    """All plugins that are installed, named in ``VAEZOO_PLUGINS``, or given (files or modules).

    ``VAEZOO_DISABLE_PLUGINS`` names plugins to leave out, separated by commas.
    """
    listed, disabled = _listed("VAEZOO_PLUGINS"), frozenset(_listed("VAEZOO_DISABLE_PLUGINS"))
    return _discover(tuple(dict.fromkeys((*listed, *extra))), disabled)


def _listed(variable: str) -> list[str]:
    """The names in an environment variable, separated by commas."""
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


@lru_cache(maxsize=8)
def _discover(extra: tuple[str, ...], disabled: frozenset[str]) -> Registry:
    registry = Registry()
    for plugin, load in (*_installed(), *_named(extra)):
        if plugin.name in disabled:
            continue
        began = time.perf_counter()
        try:
            module = load()
        except (Exception, SystemExit) as error:  # whatever a plugin raises harms only itself
            registry.add_broken(plugin, error)
            continue
        seconds = time.perf_counter() - began
        origin = getattr(module, "__file__", None) or plugin.origin
        registry.add(replace(plugin, origin=origin, seconds=seconds), module)
    return registry


def _installed() -> Iterable[tuple[Plugin, Any]]:
    for entry_point in metadata.entry_points(group=hookspecs.PROJECT):
        version = entry_point.dist.version if entry_point.dist else "unknown"
        yield Plugin(entry_point.name, version, entry_point.value), entry_point.load


def _named(references: Iterable[str]) -> Iterable[tuple[Plugin, Any]]:
    for reference in references:
        path = Path(reference)
        if path.suffix == ".py" or path.exists():
            plugin = Plugin(path.stem, "file", str(path), reference=reference)
            yield plugin, lambda path=path: _load_file(path)
        else:
            name = reference
            plugin = Plugin(name, "module", name, reference=reference)
            yield plugin, lambda name=name: importlib.import_module(name)


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    name = f"vaezoo_plugin_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
