"""``benchmarks/faults/resources.py`` finds no fault in a few cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parent.parent / "benchmarks" / "faults"


@pytest.mark.slow
@pytest.mark.parametrize("part", ["streams", "disk", "files", "permissions", "users", "names"])
def test_scarce_resources_are_explained(part: str, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    program = [sys.executable, str(FAULTS / "resources.py"), "--part", part, "--count", "3"]
    done = subprocess.run(
        [*program, "--seed", "1", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(out.read_text("utf-8"))
    assert (result["tried"], result["fallen"], result["kinds"]) == (
        3,
        0,
        {part: {"tried": 3, "fallen": 0}},
    )
