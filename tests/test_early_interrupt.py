"""Ctrl-C while the command line is still being imported ends the command without a traceback."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import pytest

#: Presses Ctrl-C when a module is about to be imported, while the command starts.
PRESSED = """
import runpy, signal, sys

class Press:
    module = sys.argv.pop(1)

    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Press())
START
"""
MODULE = "runpy.run_module('vaezoo', run_name='__main__')"
SCRIPT = "from vaezoo.__main__ import main; main()"


@pytest.mark.parametrize("start", [MODULE, SCRIPT])
@pytest.mark.parametrize(
    "module",
    [
        "vaezoo.cli",
        "vaezoo.cli.main",
        "vaezoo.diagnostics",
        "vaezoo.diagnostics.printable",
        "vaezoo.system.interrupts",
        "vaezoo.cli.streams",
        "vaezoo.cli.commands",
    ],
)
def test_ctrl_c_in_an_import_ends_in_130(start: str, module: str) -> None:
    program = PRESSED.replace("START", start)
    done = subprocess.run(
        [sys.executable, "-c", program, module, "zoo", "list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("milliseconds", range(0, 400, 20))
def test_ctrl_c_at_any_moment(milliseconds: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "vaezoo", "zoo", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    ours = re.search(r"__main__\.py\", line \d+, in main", said)
    if not ours and process.returncode != 130:
        return  # Python itself was still starting, or the command was over
    assert process.returncode == 130
    assert "Traceback" not in said
