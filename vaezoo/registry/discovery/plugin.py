"""A plugin: its name, source and state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Import time above which a plugin is called slow, in seconds.
SLOW = 0.5


@dataclass(frozen=True)
class Plugin:
    """One plugin, working or broken by ``error``.

    ``origin`` is its file, or the module of its entry point. ``distribution`` is the package that
    installed it. ``reference`` is the file or module given by the user, empty for an installed
    plugin. ``seconds`` is its import time, ``heavy`` the heavy libraries that it imported.
    ``off`` is true if it is disabled, ``lacked_memory`` if it is broken only because memory ran
    out during its import.
    """

    name: str
    version: str
    origin: str
    seconds: float = 0.0
    error: str | None = None
    reference: str = ""
    distribution: str | None = None
    heavy: tuple[str, ...] = ()
    off: bool = False
    lacked_memory: bool = False

    @property
    def is_built_in(self) -> bool:
        """Whether it ships with vaezoo."""
        return self.distribution == "vaezoo"

    @property
    def label(self) -> str:
        """Name and version for messages."""
        return f"{self.name} ({self.version})" if self.reference else f"{self.name} {self.version}"

    @property
    def state(self) -> str:
        """``ok``, ``off``, ``broken: …`` or ``slow: …`` with the reason."""
        if self.off:
            return "off"
        if self.error:
            return f"broken: {self.error}"
        if self.heavy:
            return f"slow: imports {', '.join(self.heavy)} at start-up ({self.seconds:.1f} s)"
        return f"slow: takes {self.seconds:.1f} s at start-up" if self.seconds > SLOW else "ok"


@dataclass(frozen=True)
class PluginSource:
    """A plugin before its import, and the function that imports it.

    ``stamp`` identifies the state of its code; empty if its metadata must not be cached.
    """

    plugin: Plugin
    load: Callable[[], Any]
    stamp: str = ""
