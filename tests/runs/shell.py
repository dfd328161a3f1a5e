"""Run ``vaezoo`` in a temporary folder, in this process or in a new one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import spec_data
from vaezoo.cli import main

PLUGIN = Path(__file__).parent / "blobs_plugin.py"
TIMEOUT = 60.0  # seconds, enough for a busy machine


@dataclass(frozen=True)
class Done:
    """A command's exit code, stdout and stderr."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs commands in ``folder`` with additional variables from ``environment``."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, file: str = "spec.yaml", **changes: Any) -> str:
        """Write the small spec on blobs with changes to a file in the folder."""
        (self.folder / file).write_text(yaml.safe_dump(spec_data(**changes), sort_keys=False))
        return file

    def inside(self, *arguments: str) -> Done:
        """Run the command in this process, which saves importing torch."""
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name in os.environ.keys() - self._variables().keys():
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            self.capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main(["--plugin", str(PLUGIN), *arguments])
            shown = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, shown.out, shown.err)

    def run(self, *arguments: str) -> Done:
        """``vaezoo run`` on the CPU in this process; it must succeed."""
        done = self.inside("run", *arguments, "--device", "cpu")
        assert done.code == 0, done.err
        return done

    def call(self, *arguments: str) -> Done:
        """Run the command in a new process."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=TIMEOUT)
        return Done(process.returncode, out, err)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start the command in a new process."""
        command = [sys.executable, "-m", "vaezoo", "--plugin", str(PLUGIN), *arguments]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            text=True,
            **streams,
        )

    def _variables(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAEZOO_", "BLOBS_"))}
        return kept | {"OMP_NUM_THREADS": "1"} | self.environment


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def wait_for_line(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """Read stderr up to a line with this beginning; all lines so far."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"no line begins with {beginning!r}:\n{''.join(lines)}")
