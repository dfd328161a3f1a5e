"""Which plugins there are, what is known of them before anything of them runs, and isolation."""

from vaezoo.discovery.find import THIRD_PARTY, Choice, find
from vaezoo.discovery.isolation import cause_of, isolated
from vaezoo.discovery.memory import Facts, Memory
from vaezoo.discovery.packages import Package, packages
from vaezoo.discovery.plugin import Plugin, Source
from vaezoo.discovery.plugins import LOCK, Plugins

__all__ = [
    "LOCK",
    "THIRD_PARTY",
    "Choice",
    "Facts",
    "Memory",
    "Package",
    "Plugin",
    "Plugins",
    "Source",
    "cause_of",
    "find",
    "isolated",
    "packages",
]
