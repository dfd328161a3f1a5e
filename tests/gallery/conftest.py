"""A zoo of shipped entries to change, and a gallery of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vaezoo.zoo import find


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a zoo in the working directory with copies of shipped entries."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> Path:
        folder = Path("models")
        for name in names:
            shutil.copytree(find(name).path, folder / name)
        return folder

    return make
