"""Import plugins one by one when they are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from vaezoo.registry.discovery.isolation import isolated
from vaezoo.registry.discovery.metadata_cache import MetadataCache, PluginMetadata
from vaezoo.registry.discovery.plugin import Plugin, PluginSource

#: Held while plugins are found, imported and called, because an import redirects the process's
#: output. Reentrant, because a plugin's import may look for plugins.
LOCK = threading.RLock()


class Plugins:
    """Plugins by name, in the order in which they were found.

    ``take`` is called with each plugin's name and module after the import and returns what it
    supplies. An error in it breaks only that plugin.
    """

    def __init__(
        self, take: Callable[[str, object], PluginMetadata], cache: MetadataCache | None
    ) -> None:
        self._take = take
        self._cache = cache
        self._waiting: dict[str, PluginSource] = {}  # not imported yet
        self.found: dict[str, Plugin] = {}
        self.facts: dict[str, PluginMetadata] = {}  # of plugins imported or in the cache

    def offer(self, source: PluginSource) -> None:
        """Add a plugin. Of two with the same name, the first is used."""
        plugin = source.plugin
        if plugin.name in self.found:
            taken = f"another plugin has this name: {self.found[plugin.name].origin}"
            plugin = replace(plugin, name=f"{plugin.name}@{plugin.origin}", error=taken)
        self.found[plugin.name] = plugin
        facts = self._cache and self._cache.recall(plugin.name, source.stamp)
        if facts:
            self.facts[plugin.name] = facts
        if not (plugin.off or plugin.error):
            self._waiting[plugin.name] = source

    def imported(self) -> dict[str, Plugin]:
        """Import all plugins and return them."""
        self._import(list(self._waiting.values()))
        return self.found

    def import_those_that(self, may: Callable[[PluginMetadata], bool], name: str = "") -> None:
        """Import the plugins whose metadata satisfies ``may``, and those without metadata.

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
            if self._cache and not self.found[name].lacked_memory:  # the next import may succeed
                self._cache.learn(name, source.stamp, self.facts[name])
        if self._cache:
            self._cache.save()
