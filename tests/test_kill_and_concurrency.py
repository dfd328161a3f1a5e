"""A short part of the fault scripts in ``benchmarks/faults``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parent.parent / "benchmarks" / "faults"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the scripts fork")
@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("kill", ["--boundaries", "4", "--count", "0", "--only", "publish over an entry"]),
        ("kill", ["--boundaries", "3", "--count", "0", "--only", "restore", "prune"]),
        ("kill", ["--boundaries", "1", "--count", "2", "--only", "run"]),
        ("concurrency", ["--minutes", "0.15", "--count", "3"]),
    ],
)
def test_no_attempt_fails(script: str, arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{script}.py"), *arguments, "--out", str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "VAEZOO_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text("utf-8"))
    assert result["fallen"] == 0
    assert result["tried"] > 2
