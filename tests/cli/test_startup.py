"""Commands that only read start at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def cpu_seconds(environment: dict[str, str], *arguments: str) -> float:
    """What one process takes, without the time that others on the machine take from it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("arguments", [("--help",), ("validate", "specs")])
def test_starts_within_a_third_of_a_second(arguments: tuple[str, ...], tmp_path: Path) -> None:
    # as installed: with bytecode, whatever this process may have been told about writing it
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    libraries = ("-c", "import click, pluggy, pydantic.main, yaml")
    ours, theirs = [], []
    for _ in range(4):  # the first writes the bytecode
        ours.append(cpu_seconds(environment, "-m", "vaezoo", *arguments))
        theirs.append(cpu_seconds(environment, *libraries))
    # where the machine is so busy that even the libraries crawl, they are the measure
    assert min(ours) < max(0.3, 3 * min(theirs))
