"""What a plugin is called, where it comes from, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Seconds that a plugin may take at start-up before it is called slow.
SLOW = 0.5


@dataclass(frozen=True)
class Plugin:
    """One plugin, good or bad; ``error`` says what broke it.

    ``origin`` is its file, or what its entry point names. ``distribution`` is the package that
    it was installed with. ``reference`` is the file or module by which it was asked for; an
    installed one has none. ``seconds`` is what importing it took, ``heavy`` what it imported
    without need. ``off`` is true of one that is left out on request.
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

    @property
    def label(self) -> str:
        """Name and version, as a message puts them."""
        return f"{self.name} ({self.version})" if self.reference else f"{self.name} {self.version}"

    @property
    def state(self) -> str:
        """In words: ok, off, broken or slow, and why."""
        if self.off:
            return "off"
        if self.error:
            return f"broken: {self.error}"
        if self.heavy:
            return f"slow: imports {', '.join(self.heavy)} at start-up ({self.seconds:.1f} s)"
        return f"slow: takes {self.seconds:.1f} s at start-up" if self.seconds > SLOW else "ok"


@dataclass(frozen=True)
class PluginSource:
    """A plugin that was found, and how to import it.

    ``stamp`` names the state of its code; it is empty where nothing is to be remembered.
    """

    plugin: Plugin
    load: Callable[[], Any]
    stamp: str = ""
