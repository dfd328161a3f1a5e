"""A failing picture stops neither the other pictures nor the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.shell import Shell

FAILING = """
from vaezoo import Visualizer, hookimpl

class Fails(Visualizer, use="fails"):
    how: str = "raise"

    def draw(self, context):
        import sys
        if self.how == "exit":
            sys.exit(1)
        if self.how == "nothing":
            return None
        raise ZeroDivisionError("no colour left")

@hookimpl
def vaezoo_components():
    return [Fails]
"""


@pytest.fixture
def plugin(shell: Shell) -> str:
    path = shell.folder / "failing.py"
    path.write_text(FAILING)
    return str(path)


@pytest.mark.parametrize("how", ["raise", "exit", "nothing"])
def test_a_failing_visualizer_does_not_stop_the_run(shell: Shell, plugin: str, how: str) -> None:
    spec = shell.write(
        train={"epochs": 1},
        visualizers=["samples", {"use": "fails", "how": how}, {"use": "samples", "n": 4}],
    )
    done = shell.run(spec, "--plugin", plugin)
    entry = shell.folder / "zoo" / "small"
    pictures = {path.name for path in (entry / "figures").iterdir()}
    assert pictures == {"samples.png", "samples-2.png"}
    (note,) = json.loads((entry / "metrics.json").read_text())["notes"]
    assert note.startswith("the picture fails was not drawn: ")
    if how == "raise":
        assert note.endswith("ZeroDivisionError: no colour left")
    assert f"note: {note}" in done.out
    assert note in (entry / "README.md").read_text()
    recorded = shell.inside("evaluate", "small", "--record", "--plugin", plugin)
    assert recorded.code == 0, recorded.err
    assert note in json.loads((entry / "metrics.json").read_text())["notes"]
    verified = shell.inside("verify", "small", "--plugin", plugin)
    assert "PASS  notes" in verified.out


def test_draw_writes_the_other_pictures_and_ends_in_3(shell: Shell, plugin: str) -> None:
    shell.run(shell.write(train={"epochs": 1}))
    done = shell.inside("draw", "small", "fails", "samples", "--out", "here", "--plugin", plugin)
    assert done.code == 3
    assert "error[VZ303]: the picture fails was not drawn: ZeroDivisionError" in done.err
    assert [path.name for path in (shell.folder / "here").iterdir()] == ["samples.png"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["module://not_installed", "nonsense", "pdf"])
def test_the_users_backend_is_restored(backend: str, tmp_path: Path) -> None:
    program = """
import os
from pathlib import Path
from vaezoo.zoo.draw_entry import redraw
print(redraw("fashion_mlp2", ["samples"], Path(".")))
assert os.environ["MPLBACKEND"] == os.environ["WANTED"]
import matplotlib
print(dict.__getitem__(matplotlib.rcParams, "backend"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": backend, "WANTED": backend, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "samples.png").is_file()
    if backend != "nonsense":
        assert done.stdout.splitlines()[-1] == backend
