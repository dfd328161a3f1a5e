"""A few cases of ``benchmarks/faults/corrupt.py``: damaged and falsified files are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "faults" / "corrupt.py"


def test_every_damage_is_found(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    arguments = ["--count", "60", "--checkpoints", "60", "--seed", "3", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "VAEZOO_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text("utf-8"))
    assert result["fallen"] == 0
    assert result["kinds"]["falsified"]["tried"] >= 30
    assert result["tried"] > 160
