"""Trained models on disk: looked up by name, loaded, and published atomically."""

from vaezoo.registry import Metrics
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.lock import make_lock
from vaezoo.zoo.search import BrokenEntry, entries, find, load

__all__ = [
    "BrokenEntry",
    "Entry",
    "Metrics",
    "entries",
    "find",
    "load",
    "make_lock",
]
