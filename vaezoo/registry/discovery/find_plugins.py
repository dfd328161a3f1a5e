"""Find installed and named plugins, without importing them.

Every plugin, including the built-in one, comes from the entry-point group ``vaezoo``, from
``VAEZOO_PLUGINS`` or from ``--plugin``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType

from vaezoo.registry.discovery.metadata_cache import stamp_of
from vaezoo.registry.discovery.plugin import Plugin, PluginSource

#: The entry-point group, and the distribution of the built-in plugin.
GROUP = "vaezoo"
#: Instead of a name: every plugin except vaezoo's own and those given as ``extra``.
THIRD_PARTY = "*"


@dataclass(frozen=True)
class Choice:
    """The plugins to add to the installed ones, and those to disable.

    ``listed`` and ``extra`` are files or modules. ``disabled`` holds names of plugins or of their
    distributions, or ``*``.
    """

    listed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    disabled: frozenset[str] = frozenset()

    @classmethod
    def of_environment(cls, extra: Iterable[str], disabled: Iterable[str]) -> Choice:
        """Add the comma-separated ``VAEZOO_PLUGINS`` and ``VAEZOO_DISABLE_PLUGINS``."""
        off = frozenset((*disabled, *_listed("VAEZOO_DISABLE_PLUGINS")))
        extra = dict.fromkeys(extra)
        listed = dict.fromkeys(name for name in _listed("VAEZOO_PLUGINS") if name not in extra)
        return cls(tuple(listed), tuple(extra), off)


def find(choice: Choice) -> Iterator[PluginSource]:
    """All plugins: the installed ones first, then those listed, then the extras."""
    for source in (*_installed(), *map(_named, choice.listed)):
        yield _with_state(source, choice.disabled)
    for source in map(_named, choice.extra):
        yield _with_state(source, choice.disabled - {THIRD_PARTY})


def _listed(variable: str) -> list[str]:
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


def _with_state(source: PluginSource, disabled: Collection[str]) -> PluginSource:
    plugin = source.plugin
    off = THIRD_PARTY in disabled and not plugin.is_built_in
    off = off or plugin.name in disabled or plugin.distribution in disabled
    return replace(source, plugin=replace(plugin, off=off))


def _installed() -> list[PluginSource]:
    """Each installed plugin once; a plugin named like its distribution precedes namesakes."""
    found: dict[tuple[str, str], PluginSource] = {}
    for entry_point in _entry_points():
        distribution, version = _distribution(entry_point)
        plugin = Plugin(entry_point.name, version, entry_point.value, distribution=distribution)
        source = PluginSource(plugin, entry_point.load, stamp_of(entry_point.value, version))
        found.setdefault((plugin.name, distribution or ""), source)
    return [found[key] for key in sorted(found, key=lambda key: (key[0] != key[1], key))]


def _entry_points() -> Iterator[metadata.EntryPoint]:
    for distribution in metadata.distributions():
        try:
            points = distribution.entry_points
        except Exception:  # unreadable metadata of any package
            continue
        yield from (point for point in points if point.group == GROUP)


def _distribution(entry_point: metadata.EntryPoint) -> tuple[str | None, str]:
    """The name and version of the entry point's distribution."""
    try:
        assert entry_point.dist is not None
        return entry_point.dist.name, entry_point.dist.version or "unknown"
    except Exception:  # metadata without a name or version
        return None, "unknown"


def _named(reference: str) -> PluginSource:
    path = Path(os.path.expanduser(reference))
    if path.suffix == ".py" or path.exists():
        plugin = Plugin(path.stem, "file", str(path), reference=reference)
        return PluginSource(plugin, partial(_load_file, path))
    plugin = Plugin(reference, "module", reference, reference=reference)
    return PluginSource(plugin, partial(importlib.import_module, reference))


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
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
