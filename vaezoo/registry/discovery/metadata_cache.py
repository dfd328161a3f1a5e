"""Cache what installed plugins supply, in a file in the cache folder.

``vaezoo --help`` then lists a plugin's commands without importing it, and a spec imports only
plugins that have its components. An entry is valid while no file of the plugin's package changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vaezoo.system.files import cache_folder, write_whole
from vaezoo.system.regular_file import read_regular

_VERSION = 1
_MAX_FILES = 2000
#: Enough for a thousand plugins.
_MAX_BYTES = 8 << 20


@dataclass(frozen=True)
class PluginMetadata:
    """A plugin's hooks, components (kind, name) and commands (name, help line), or its error."""

    hooks: tuple[str, ...] = ()
    components: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    error: str = ""


class MetadataCache:
    """Metadata by plugin, in a file that may be deleted at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = _read(path)
        self._changed = False

    @classmethod
    def in_cache(cls) -> MetadataCache:
        """The cache of the current Python environment."""
        environment = hashlib.sha256(sys.prefix.encode()).hexdigest()[:8]
        return cls(cache_folder() / f"plugins-{environment}.json")

    def recall(self, plugin: str, stamp: str) -> PluginMetadata | None:
        """The metadata of a plugin, if its code still has that stamp."""
        try:
            known = self._known[plugin]
            if not stamp or known["stamp"] != stamp:
                return None
            facts = known["facts"]
            return PluginMetadata(
                tuple(map(str, facts["hooks"])),
                tuple((str(kind), str(use)) for kind, use in facts["components"]),
                tuple((str(name), str(line)) for name, line in facts["commands"]),
                str(facts["error"]),
            )
        except (KeyError, TypeError, ValueError):  # written by another version
            return None

    def learn(self, plugin: str, stamp: str, facts: PluginMetadata) -> None:
        """Store a plugin at the next ``save``; ignore it if ``stamp`` is empty."""
        if stamp and self.recall(plugin, stamp) != facts:
            self._known[plugin] = {"stamp": stamp, "facts": asdict(facts)}
            self._changed = True

    def save(self) -> None:
        """Write changes. Ignores a cache folder that cannot be written."""
        if not self._changed:
            return
        text = json.dumps({"version": _VERSION, "plugins": self._known})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode())
        except OSError:
            return
        self._changed = False


def stamp_of(module: str, version: str) -> str:
    """A digest of the names, sizes and times of all files in ``module``'s top-level package.

    Imports nothing. Empty if there is no such package or it has too many files.
    """
    try:
        spec = importlib.util.find_spec(module.partition(":")[0].partition(".")[0])
    except (ImportError, ValueError):
        return ""
    if spec is None:
        return ""
    places = list(spec.submodule_search_locations or ()) or [spec.origin or ""]
    lines = [version]
    for path in _files(places):
        try:
            status = os.stat(path)
        except OSError:
            return ""
        lines.append(f"{path} {status.st_size} {status.st_mtime_ns}")
        if len(lines) > _MAX_FILES:
            return ""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(places: list[str]) -> Iterator[str]:
    for place in places:
        if not os.path.isdir(place):
            yield place
        for folder, below, names in os.walk(place):
            below.sort()
            yield from (os.path.join(folder, n) for n in sorted(names) if n.endswith(".py"))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(read_regular(path, _MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict) or data.get("version") != _VERSION:
        return {}
    known = data.get("plugins")
    return known if isinstance(known, dict) else {}
