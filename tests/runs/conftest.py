from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.shell import Shell


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Commands in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)
