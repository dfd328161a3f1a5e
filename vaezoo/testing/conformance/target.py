"""The plugin that is meant by a distribution's name, a plugin's name or a file."""

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
    #: where its hooks are, for a fresh Python: a module's name or a file
    reference: str
    #: of an installed plugin
    entry_point: metadata.EntryPoint | None = None

    @property
    def components(self) -> list[type[Component]]:
        """The component classes that it supplies."""
        registered = self.registry.components()
        return [r.component for r in registered if r.plugin.name == self.plugin.name]


def targets(reference: str, extra: Sequence[str] = ()) -> list[PluginTarget]:
    """The plugins that ``reference`` names; a distribution may hold several.

    ``extra`` are other files or modules that are given, as by ``--plugin``.
    Raises PluginError (VZ304) where there is none.
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
                f"the plugin {entry_point.name} is switched off",
                hint="take its name out of VAEZOO_DISABLE_PLUGINS",
            )
        )
    return PluginTarget(plugin, registry, entry_point.module, entry_point)


def _is_of(entry_point: metadata.EntryPoint, name: str) -> bool:
    distribution = entry_point.dist.name if entry_point.dist else ""
    return name == entry_point.name or _folded(name) == _folded(distribution)


def _folded(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _unknown(reference: str, registry: Registry) -> Diagnostic:
    known = [plugin.name for plugin in registry.plugins]
    hint = f"{suggest(reference, known, 'plugins')}; a single file ends in .py"
    try:
        metadata.distribution(reference)
    except (metadata.PackageNotFoundError, ValueError):
        return Diagnostic("VZ304", f"no plugin or distribution {reference!r} is here", hint=hint)
    return Diagnostic(
        "VZ304",
        f"the distribution {reference} has no entry point in the group 'vaezoo'",
        hint='name its module in pyproject.toml: [project.entry-points.vaezoo] name = "module"',
    )
