"""``vaezoo`` in a folder of its own: within this process, or as one that can be stopped."""

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
PATIENCE = 60.0  # seconds in which anything here must happen, on a busy machine too


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed and complained of."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs commands in ``folder``; ``environment`` holds what differs from this process's."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, file: str = "spec.yaml", **changes: Any) -> str:
        """The small spec on blobs with its changes, as a file in the folder."""
        (self.folder / file).write_text(yaml.safe_dump(spec_data(**changes), sort_keys=False))
        return file

    def inside(self, *arguments: str) -> Done:
        """The command within this process, which saves the seconds that importing torch takes."""
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
        """``vaezoo run`` on the CPU within this process, which must succeed."""
        done = self.inside("run", *arguments, "--device", "cpu")
        assert done.code == 0, done.err
        return done

    def call(self, *arguments: str) -> Done:
        """The command as a process, to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=PATIENCE)
        return Done(process.returncode, out, err)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """The command as a process that was just started."""
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
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def wait_for_line(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """Read stderr up to a line that begins so; all lines up to it."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"no line begins with {beginning!r}:\n{''.join(lines)}")
