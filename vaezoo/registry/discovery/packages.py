"""The index of plugin packages: what to install for a missing component."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A distribution, its plugin's name, and the (kind, name) of each of its components."""

    distribution: str
    plugin: str
    components: frozenset[tuple[str, str]]


def packages() -> tuple[Package, ...]:
    """The plugin packages known to this version of vaezoo, installed or not."""
    data = json.loads(Path(__file__).with_name("packages.json").read_text("utf-8"))
    return tuple(
        Package(
            distribution,
            package["plugin"],
            frozenset((kind, use) for kind, uses in package["components"].items() for use in uses),
        )
        for distribution, package in data.items()
    )
