from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.road.shell import Shell


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A real Ray cluster of two CPUs, which commands within this process find."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'vaezoo[ray]'")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Commands in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)
