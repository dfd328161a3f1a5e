"""The registry: which plugins there are, and the components and commands that they supply.

A plugin is imported when what it may supply is asked for. One that fails is kept as a result
with its error; nothing here raises because of a plugin that nobody asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import pluggy

from vaezoo.diagnostics import PluginError
from vaezoo.discovery import Choice, Facts, Memory, Plugin, Source, cause_of, find, isolated
from vaezoo.discovery.findings import Circumstances, absent, ambiguous, unusable
from vaezoo.registry import hookspecs
from vaezoo.registry.component import KINDS, Component
from vaezoo.registry.supply import Supply, ask

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
        """Why the class cannot be used, if its fields make no schema."""
        try:
            self.component.model_rebuild()
        except Exception as error:  # whatever a field's type raises
            return cause_of(error)
        return None


class Registry:
    """The plugins that were found and the components they supply."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._memory = memory
        self._plugins: dict[str, Plugin] = {}
        self._waiting: dict[str, Source] = {}  # found, but not imported yet
        self._facts: dict[str, Facts] = {}  # of those imported or remembered
        self._components: dict[tuple[str, str], list[Registered]] = {}
        self._commands: dict[str, click.Command] = {}
        self._pinned: Mapping[tuple[str, str], str] = {}

    def offer(self, source: Source) -> None:
        """Take a plugin in; it is imported once it is needed. Of two alike, the first is used."""
        plugin = source.plugin
        if plugin.name in self._plugins:
            taken = f"there is a plugin of this name: {self._plugins[plugin.name].origin}"
            plugin = replace(plugin, name=f"{plugin.name}@{plugin.origin}", error=taken)
        self._plugins[plugin.name] = plugin
        facts = self._memory and self._memory.recall(plugin.name, source.stamp)
        if facts:
            self._facts[plugin.name] = facts
        if not (plugin.off or plugin.error):
            self._waiting[plugin.name] = source

    def add(self, plugin: Plugin, module: object) -> None:
        """Take in a plugin whose module is at hand."""
        self.offer(Source(plugin, lambda: module))

    @property
    def plugins(self) -> list[Plugin]:
        """Every plugin and what became of it, for which all are imported."""
        self._load(lambda source: True)
        return list(self._plugins.values())

    def given(self, references: Collection[str]) -> list[Plugin]:
        """The plugins that were asked for by these files or modules, imported."""
        self._load(lambda source: source.plugin.reference in references)
        return [p for p in self._plugins.values() if p.reference and p.reference in references]

    def components(self, kind: str | None = None) -> list[Registered]:
        """Every registered component, of one kind if given, sorted by kind and name."""
        self._load(lambda source: True)
        order = list(KINDS)
        found = [r for several in self._components.values() for r in several]
        wanted = [r for r in found if kind in (None, r.component.kind)]
        return sorted(wanted, key=lambda r: (order.index(r.component.kind), r.component.use))

    def find(self, kind: str, name: str) -> Registered:
        """The component that a spec calls ``name``, which may be ``plugin:name``.

        Raises PluginError: VZ301 for an unknown name, VZ302 where plugins share it, VZ303 and
        VZ304 where its plugin is broken or missing.
        """
        plugin, _, use = name.rpartition(":")
        plugin = plugin or self._pinned.get((kind, use), "")
        several = self._suppliers(kind, use, plugin)
        if not several:
            names = [(r.component.kind, r.component.use, r.qualified) for r in self.components()]
            around = Circumstances(self._plugins, self._facts, names)
            raise PluginError(absent(kind, f"{plugin}:{use}" if plugin else use, around))
        if len(several) > 1:
            raise PluginError(ambiguous(kind, use, [(r.qualified, r.plugin) for r in several]))
        (found,) = several
        if found.problem:
            raise PluginError(unusable(kind, found.qualified, found.plugin, found.problem))
        return found

    def pinned(self, plugins: Mapping[tuple[str, str], str]) -> Registry:
        """This registry, where a bare name means the component of the plugin given for it."""
        pinned = copy.copy(self)
        pinned._pinned = plugins
        return pinned

    def supplier(self, component: type[Component]) -> Registered | None:
        """A component as it was registered, if it was."""
        several = self._suppliers(component.kind, component.use)
        return next((r for r in several if r.component is component), None)

    def command_lines(self) -> dict[str, str]:
        """A line of help on each command of a plugin, by name; of two alike, the first is used.

        Imports only plugins of which nothing is remembered.
        """
        self._load(lambda source: source.plugin.name not in self._facts)
        lines: dict[str, str] = {}
        for plugin in self._plugins.values():
            if not plugin.off and plugin.name in self._facts:
                lines = dict(self._facts[plugin.name].commands) | lines
        return lines

    def commands_of(self, plugin: str) -> list[str]:
        """The names of a plugin's commands, as far as is known of it."""
        return [name for name, _ in self._facts.get(plugin, Facts()).commands]

    def command(self, name: str) -> click.Command | None:
        """The command of that name, if a plugin has it."""
        self._load_until(lambda facts: name in dict(facts.commands), lambda: name in self._commands)
        return self._commands.get(name)

    def notify(self, hook: str, **arguments: Any) -> list[str]:
        """Call a run hook of every plugin; what any of them raised comes back as text."""
        self._load(self._may(lambda facts: hook in facts.hooks or bool(facts.error)))
        failures = []
        if hook == "vaezoo_run_started":
            broken = [p for p in self._plugins.values() if p.error]
            failures = [f"plugin {p.label} is left out: {p.error}" for p in broken]
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            wanted = {name: arguments[name] for name in implementation.argnames}
            try:
                implementation.function(**wanted)
            except Exception as error:
                plugin = self._plugins[implementation.plugin_name]
                said = f"plugin {plugin.label} failed in {hook}"
                failures.append(f"{said}: {cause_of(error)}")
        return failures

    def _suppliers(self, kind: str, use: str, plugin: str = "") -> list[Registered]:
        def found() -> list[Registered]:
            several = self._components.get((kind, use), [])
            return [r for r in several if plugin in ("", r.plugin.name)]

        self._load_until(lambda facts: (kind, use) in facts.components, found, plugin)
        return found()

    def _load_until(
        self, has: Callable[[Facts], bool], found: Callable[[], object], plugin: str = ""
    ) -> None:
        """Import the plugins that may have something, and all others if none of them has it."""
        may = self._may(has)
        self._load(lambda source: plugin in ("", source.plugin.name) and may(source))
        if not found():  # what is remembered may be out of date
            self._load(lambda source: True)

    def _may(self, has: Callable[[Facts], bool]) -> Callable[[Source], bool]:
        """Whether a plugin may have something: it does, or nothing is known of it."""

        def may(source: Source) -> bool:
            facts = self._facts.get(source.plugin.name)
            return facts is None or has(facts)

        return may

    def _load(self, wanted: Callable[[Source], bool]) -> None:
        for source in [source for source in self._waiting.values() if wanted(source)]:
            name = source.plugin.name
            del self._waiting[name]
            plugin, supply = isolated(source, partial(ask, self._manager, name))
            self._plugins[name] = plugin
            if supply is None or plugin.error:
                if self._manager.has_plugin(name):
                    self._manager.unregister(name=name)
                self._facts[name] = Facts(error=plugin.error or "")
            else:
                self._take(plugin, supply)
            if self._memory:
                self._memory.learn(name, source.stamp, self._facts[name])
        if self._memory:
            self._memory.save()

    def _take(self, plugin: Plugin, supply: Supply) -> None:
        self._facts[plugin.name] = supply.facts
        for component in supply.components:
            several = self._components.setdefault((component.kind, component.use), [])
            several.append(Registered(component, plugin))
        for command in supply.commands:
            self._commands.setdefault(str(command.name), command)


def discover(extra: Iterable[str] = (), *, disabled: Iterable[str] = ()) -> Registry:
    """All plugins that are installed, named in ``VAEZOO_PLUGINS``, or given (files or modules).

    ``disabled`` and ``VAEZOO_DISABLE_PLUGINS`` name plugins or their distributions to leave
    out; ``*`` leaves out all but vaezoo's own and the ``extra`` ones. Every call with the same
    choice gives the same registry.
    """
    return _discover(Choice.of_environment(extra, disabled))


def new_registry(choice: Choice = Choice()) -> Registry:  # noqa: B008 - it is frozen
    """A registry of one's own, which may be added to."""
    registry = Registry(Memory.in_cache())
    for source in find(choice):
        registry.offer(source)
    return registry


_discover = lru_cache(maxsize=8)(new_registry)
