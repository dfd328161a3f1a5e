from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.shell import Shell
from vaezoo.runs.ray.cluster import _settings_restored


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A real Ray cluster of two CPUs, which commands within this process find."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'vaezoo[ray]'")
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
    with _settings_restored():
        ray.init(address="local", num_cpus=2, **quiet)
        yield
        ray.shutdown()


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Commands in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)
