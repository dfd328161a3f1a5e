"""What every command receives: the registry, built on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaezoo.registry import Registry


@dataclass
class Context:
    """The global options."""

    plugins: tuple[str, ...] = ()
    no_plugins: bool = False

    @cached_property
    def registry_as_found(self) -> Registry:
        """All plugins, including broken ones given with --plugin."""
        from vaezoo.registry import discover
        from vaezoo.registry.discovery import THIRD_PARTY

        return discover(self.plugins, disabled=(THIRD_PARTY,) if self.no_plugins else ())

    @cached_property
    def registry(self) -> Registry:
        """All plugins. Raises PluginError (VZ303) if one given with --plugin is broken."""
        from vaezoo.diagnostics import Diagnostic, PluginError
        from vaezoo.registry.discovery.plugin_findings import require_memory

        registry = self.registry_as_found
        broken = [plugin for plugin in registry.given(self.plugins) if plugin.error]
        require_memory(broken)
        if broken:
            raise PluginError(
                *(
                    Diagnostic(
                        "VZ303",
                        f"the plugin {plugin.reference} cannot be used: {plugin.error}",
                        hint="give --plugin a Python file or the name of an importable module",
                    )
                    for plugin in broken
                )
            )
        return registry
