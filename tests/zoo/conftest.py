"""A process with one small plugin, and something that publishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo.parts import PARTS, Publisher, registry_of
from vaezoo.registry import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """The only plugin of the process; the current folder is empty and no zoo is set."""
    parts = registry_of(*PARTS)
    assert all(plugin.error is None for plugin in parts.plugins)
    monkeypatch.setattr("vaezoo.registry.discover", lambda extra=(): parts)
    monkeypatch.delenv("VAEZOO_ZOO", raising=False)
    monkeypatch.chdir(tmp_path)
    return parts


@pytest.fixture
def publisher(registry: Registry) -> Publisher:
    return Publisher(registry)
