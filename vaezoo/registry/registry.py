"""The registry: plugins, and the components and commands that they supply.

A plugin is imported when it may have what is requested. A broken plugin is kept with its error
and raises only if it is requested.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pluggy

from vaezoo.diagnostics import PluginError
from vaezoo.registry import hookspecs
from vaezoo.registry.collect import Supply, ask
from vaezoo.registry.component import Component
from vaezoo.registry.component_kinds import KINDS
from vaezoo.registry.declaration import declaration_problem
from vaezoo.registry.discovery import LOCK, Choice, Plugin, Plugins, cause_of, find
from vaezoo.registry.discovery.metadata_cache import MetadataCache, PluginMetadata
from vaezoo.registry.discovery.plugin import PluginSource
from vaezoo.registry.discovery.plugin_findings import (
    SearchResult,
    absent,
    ambiguous,
    require_memory,
    unusable,
)
from vaezoo.registry.fields.tagged import completed

if TYPE_CHECKING:
    import click


@dataclass(frozen=True)
class Registered:
    """A component class and the plugin that supplied it."""

    component: type[Component]
    plugin: Plugin

    @property
    def qualified(self) -> str:
        return f"{self.plugin.name}:{self.component.use}"

    @property
    def problem(self) -> str | None:
        """Why the class cannot be used, such as fields without a valid schema; else None."""
        try:
            completed(self.component)
            return declaration_problem(self.component)
        except Exception as error:  # a field's type may raise anything
            return cause_of(error)


class Registry:
    """All plugins, and the components and commands that they supply."""

    def __init__(self, cache: MetadataCache | None = None) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._plugins = Plugins(self._take, cache)
        self._supplies: dict[str, Supply] = {}
        self._pinned: Mapping[tuple[str, str], str] = {}
        self._stand_ins: Mapping[tuple[str, str], Registered] = {}

    def offer(self, source: PluginSource) -> None:
        """Add a plugin, to be imported when needed. Of two with one name, the first is used."""
        with LOCK:
            self._plugins.offer(source)

    def add(self, plugin: Plugin, module: object) -> None:
        """Add a plugin whose module is already imported."""
        self.offer(PluginSource(plugin, lambda: module))

    @property
    def plugins(self) -> list[Plugin]:
        """All plugins. Imports them."""
        with LOCK:
            return list(self._plugins.imported().values())

    def given(self, references: Collection[str]) -> list[Plugin]:
        """The plugins given as these files or modules. Imports them."""
        with LOCK:
            names = [p.name for p in self._plugins.found.values() if p.reference in references]
            for name in names:
                self._plugins.import_those_that(lambda facts: True, name)
            return [self._plugins.found[name] for name in names]

    def components(self, kind: str | None = None) -> list[Registered]:
        """All components, or those of one kind, sorted by kind and name. Imports all plugins."""
        with LOCK:
            self._plugins.imported()
            wanted = [r for r in self._registered() if kind in (None, r.component.kind)]
        order = list(KINDS)
        return sorted(wanted, key=lambda r: (order.index(r.component.kind), r.component.use))

    def find(self, kind: str, name: str) -> Registered:
        """The component called ``name`` or ``plugin:name``.

        Raises PluginError: VZ301 for an unknown name, VZ302 if several plugins have it, VZ303 or
        VZ304 if its plugin is broken or missing. Raises RunError (VZ607) if a plugin that may have
        it lacked memory.
        """
        plugin, _, use = name.rpartition(":")
        plugin = plugin or self._pinned.get((kind, use), "")
        several = self._suppliers(kind, use, plugin)
        if not several and (kind, use) in self._stand_ins:
            return self._stand_ins[kind, use]
        if not several:
            require_memory(self._plugins.found.values())
            names = [(r.component.kind, r.component.use, r.qualified) for r in self.components()]
            searched = SearchResult(self._plugins.found, self._plugins.facts, names)
            raise PluginError(absent(kind, f"{plugin}:{use}" if plugin else use, searched))
        # a plugin that takes a name of vaezoo's own must not change the meaning of other specs
        several = [r for r in several if r.plugin.is_built_in] or several
        if len(several) > 1:
            raise PluginError(ambiguous(kind, use, [(r.qualified, r.plugin) for r in several]))
        (found,) = several
        if found.problem:
            raise PluginError(unusable(kind, found.qualified, found.plugin, found.problem))
        return found

    def pinned(self, plugins: Mapping[tuple[str, str], str]) -> Registry:
        """This registry with plugins fixed for bare names: {(kind, name): plugin}."""
        pinned = copy.copy(self)
        pinned._pinned = plugins
        return pinned

    def with_stand_ins(self, stand_ins: Mapping[tuple[str, str], Registered]) -> Registry:
        """This registry with stand-ins for missing components: {(kind, name): stand-in}."""
        extended = copy.copy(self)
        extended._stand_ins = stand_ins
        return extended

    def supplier(self, component: type[Component]) -> Registered | None:
        """The registration of a component class, if any."""
        several = self._suppliers(component.kind, component.use)
        return next((r for r in several if r.component is component), None)

    def command_lines(self) -> dict[str, str]:
        """The help line of each plugin command, by name; of two with one name, the first.

        Imports only plugins without cached metadata.
        """
        with LOCK:
            self._plugins.import_those_that(lambda facts: False)
            lines: dict[str, str] = {}
            for name, plugin in self._plugins.found.items():
                if not plugin.off and name in self._plugins.facts:
                    lines = dict(self._plugins.facts[name].commands) | lines
            return lines

    def commands_of(self, plugin: str) -> list[str]:
        """The names of a plugin's commands, from its metadata."""
        return [name for name, _ in self._plugins.facts.get(plugin, PluginMetadata()).commands]

    def command(self, name: str) -> click.Command | None:
        """The plugin command of that name, if any."""
        with LOCK:
            self._plugins.import_those_that(lambda facts: name in dict(facts.commands))
            if self._command(name) is None:  # the cache may be stale
                self._plugins.imported()
            command = self._command(name)
        if command is None:
            require_memory(self._plugins.found.values())
        return command

    def notify(self, hook: str, **arguments: Any) -> list[str]:
        """Call a run hook of every plugin; return their errors as text."""
        with LOCK:
            self._plugins.import_those_that(lambda facts: hook in facts.hooks or bool(facts.error))
        plugins, failures = self._plugins.found, []
        if hook == "vaezoo_run_started":
            broken = [plugin for plugin in plugins.values() if plugin.error]
            failures = [f"plugin {p.label} is skipped: {p.error}" for p in broken]
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except (Exception, SystemExit) as error:
                failed = f"plugin {plugins[implementation.plugin_name].label} failed in {hook}"
                failures.append(f"{failed}: {cause_of(error)}")
        return failures

    def _take(self, name: str, module: object) -> PluginMetadata:
        try:
            supply = ask(self._manager, name, module)
        except BaseException:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            raise
        self._supplies[name] = supply
        return supply.facts

    def _working(self) -> Iterator[tuple[Plugin, Supply]]:
        for name, plugin in self._plugins.found.items():
            if name in self._supplies:
                yield plugin, self._supplies[name]

    def _registered(self) -> Iterator[Registered]:
        for plugin, supply in self._working():
            yield from (Registered(component, plugin) for component in supply.components)

    def _suppliers(self, kind: str, use: str, plugin: str = "") -> list[Registered]:
        def found() -> list[Registered]:
            named = [(p, s.by_name.get((kind, use))) for p, s in self._working()]
            return [Registered(c, p) for p, c in named if c and plugin in ("", p.name)]

        with LOCK:
            self._plugins.import_those_that(lambda facts: (kind, use) in facts.components, plugin)
            if not found():  # the cache may be stale
                self._plugins.imported()
            return found()

    def _command(self, name: str) -> click.Command | None:
        every = (command for _, supply in self._working() for command in supply.commands)
        return next((command for command in every if command.name == name), None)


def discover(extra: Iterable[str] = (), *, disabled: Iterable[str] = ()) -> Registry:
    """Find all plugins: installed, listed in ``VAEZOO_PLUGINS``, or ``extra`` files or modules.

    ``disabled`` and ``VAEZOO_DISABLE_PLUGINS`` hold names of plugins or their distributions to
    disable; ``*`` disables all except vaezoo's own and the ``extra`` ones. Calls with the same
    arguments return the same registry, in any thread.
    """
    with LOCK:
        return _discover(Choice.of_environment(extra, disabled))


def new_registry(choice: Choice = Choice()) -> Registry:  # noqa: B008 - it is frozen
    """A new registry, to which plugins can be added."""
    registry = Registry(MetadataCache.in_cache())
    for source in find(choice):
        registry.offer(source)
    return registry


_discover = lru_cache(maxsize=8)(new_registry)
