"""The plugins that were found, imported one by one when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from vaezoo.registry.discovery.isolation import isolated
from vaezoo.registry.discovery.metadata_cache import MetadataCache, PluginMetadata
from vaezoo.registry.discovery.plugin import Plugin, PluginSource

#: Held while plugins are found, imported and asked: by one thread at a time, in any registry,
#: since an import redirects the process's output. A plugin's own import may look for plugins.
LOCK = threading.RLock()


class Plugins:
    """Plugins by name, in the order in which they were found.

    ``take`` is handed each plugin's name and module once that is imported, and says what it
    supplies; what it raises breaks that plugin and no other.
    """

    def __init__(
        self, take: Callable[[str, object], PluginMetadata], memory: MetadataCache | None
    ) -> None:
        self._take = take
        self._memory = memory
        self._waiting: dict[str, PluginSource] = {}  # found, but not imported yet
        self.found: dict[str, Plugin] = {}
        self.facts: dict[str, PluginMetadata] = {}  # of those imported or remembered

    def offer(self, source: PluginSource) -> None:
        """Take a plugin in. Of two with one name, the first is used."""
        plugin = source.plugin
        if plugin.name in self.found:
            taken = f"there is a plugin of this name: {self.found[plugin.name].origin}"
            plugin = replace(plugin, name=f"{plugin.name}@{plugin.origin}", error=taken)
        self.found[plugin.name] = plugin
        facts = self._memory and self._memory.recall(plugin.name, source.stamp)
        if facts:
            self.facts[plugin.name] = facts
        if not (plugin.off or plugin.error):
            self._waiting[plugin.name] = source

    def imported(self) -> dict[str, Plugin]:
        """Every plugin and what became of it."""
        self._import(list(self._waiting.values()))
        return self.found

    def import_those_that(self, may: Callable[[PluginMetadata], bool], name: str = "") -> None:
        """Import the plugins that fit as far as is known, and those of which nothing is known.

        With a ``name``, only that plugin.
        """
        self._import(
            [
                source
                for its_name, source in self._waiting.items()
                if name in ("", its_name)
                and (its_name not in self.facts or may(self.facts[its_name]))
            ]
        )

    def _import(self, sources: list[PluginSource]) -> None:
        for source in sources:
            name = source.plugin.name
            del self._waiting[name]
            self.found[name], facts = isolated(source, partial(self._take, name))
            error = self.found[name].error
            self.facts[name] = facts if facts and not error else PluginMetadata(error=error or "")
            if self._memory:
                self._memory.learn(name, source.stamp, self.facts[name])
        if self._memory:
            self._memory.save()
