"""A few cases of ``benchmarks/faults``: mutated specs and hostile entries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parent.parent.parent / "benchmarks" / "faults"


def run(script: str, tmp_path: Path, count: int, seed: int) -> dict[str, object]:
    """The results of a script after ``count`` cases."""
    out = tmp_path / "results.json"
    command = [sys.executable, str(SCRIPTS / script), "--count", str(count), "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results: dict[str, object] = json.loads(out.read_text())
    return results


def test_mutated_specs(tmp_path: Path) -> None:
    results = run("fuzz.py", tmp_path, 150, seed=7)
    assert (results["tried"], results["fallen"]) == (150, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
def test_hostile_entries(tmp_path: Path) -> None:
    results = run("hostile.py", tmp_path, 4, seed=7)
    assert (results["tried"], results["fallen"]) == (4, 0)
