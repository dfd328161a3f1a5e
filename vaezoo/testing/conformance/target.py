"""Find the plugin to check, by the name of a distribution or plugin, or by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, PluginError, suggest
from vaezoo.registry import Component, Plugin, Registry, discover


@dataclass(frozen=True)
class PluginTarget:
    """A plugin to check, in the registry that found it."""

    plugin: Plugin
    registry: Registry
    #: The module or file with its hooks, for a fresh Python.
    reference: str
    #: Only for an installed plugin.
    entry_point: metadata.EntryPoint | None = None

    @property
    def components(self) -> list[type[Component]]:
        """The component classes that it provides."""
        registered = self.registry.components()
        return [r.component for r in registered if r.plugin.name == self.plugin.name]


def targets(reference: str, extra: Sequence[str] = ()) -> list[PluginTarget]:
    """The plugins called ``reference``; a distribution may have several.

    ``extra`` are other plugins to load, as with ``--plugin``. Raises PluginError (VZ304) if there
    is no such plugin.
    """
    path = Path(reference)
    if path.suffix == ".py" or path.is_file():
        return [_given(reference, discover([*extra, reference]))]
    registry = discover(extra)
    installed = [e for e in metadata.entry_points(group="vaezoo") if _is_of(e, reference)]
    if installed:
        return [_installed(entry_point, registry) for entry_point in installed]
    if reference in extra:
        return [_given(reference, registry)]
    raise PluginError(_unknown(reference, registry))


def _given(reference: str, registry: Registry) -> PluginTarget:
    plugin = next(p for p in registry.plugins if p.reference == reference)
    return PluginTarget(plugin, registry, reference)


def _installed(entry_point: metadata.EntryPoint, registry: Registry) -> PluginTarget:
    found = {plugin.name: plugin for plugin in registry.plugins}
    plugin = found.get(entry_point.name)
    if plugin is None:
        raise PluginError(
            Diagnostic(
                "VZ304",
                f"the plugin {entry_point.name} is disabled",
                hint="remove its name from VAEZOO_DISABLE_PLUGINS",
            )
        )
    return PluginTarget(plugin, registry, entry_point.module, entry_point)


def _is_of(entry_point: metadata.EntryPoint, name: str) -> bool:
    distribution = entry_point.dist.name if entry_point.dist else ""
    return name == entry_point.name or _folded(name) == _folded(distribution)


def _folded(name: str) -> str:
    """A distribution's name in the form in which package indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _unknown(reference: str, registry: Registry) -> Diagnostic:
    known = [plugin.name for plugin in registry.plugins]
    hint = f"{suggest(reference, known, 'plugins')}; a single file ends in .py"
    try:
        metadata.distribution(reference)
    except (metadata.PackageNotFoundError, ValueError):
        return Diagnostic("VZ304", f"no plugin or distribution {reference!r}", hint=hint)
    return Diagnostic(
        "VZ304",
        f"the distribution {reference} has no entry point in the group 'vaezoo'",
        hint='add its module to pyproject.toml: [project.entry-points.vaezoo] name = "module"',
    )
