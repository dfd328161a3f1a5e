from __future__ import annotations

from pathlib import Path

import pytest

from tests.registry.installed import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder in which nothing is installed yet."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)
