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


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("validate", "specs")])
def test_start_takes_little_longer_than_the_libraries(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    # as installed: with bytecode, whatever this process may have been told about writing it
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    libraries = ("-c", "import click, pluggy, pydantic.main, yaml")
    ours, theirs = [], []
    for _ in range(16):  # the first writes the bytecode
        ours.append(cpu_seconds(environment, "-m", "vaezoo", *arguments))
        theirs.append(cpu_seconds(environment, *libraries))
    # on a slow or busy machine the libraries are the measure: where 0.3 s is the limit, they take
    # 0.08 s, and processors differ in what they make of either
    assert min(ours) < max(0.3, 4 * min(theirs))


LOOK = """
import sys
from vaezoo.cli import main
try:
    main({arguments})
except SystemExit as ended:
    slow = ("torch", "torchvision", "numpy", "matplotlib", "jinja2")
    heavy = [module for module in slow if module in sys.modules]
    sys.exit(f"exit code {{ended.code}}, imported {{heavy}}")
"""
SPEC = "specs/fashion_mlp2.yaml"


@pytest.mark.parametrize(
    "arguments",
    [
        ("schema",),
        ("show", SPEC),
        ("show", "--expand", SPEC, "--set", "matrix.loss.beta=[1, 2]"),
        ("why", SPEC, "model.encoder.hidden"),
        ("diff", SPEC, "specs/fashion_beta4.yaml"),
        ("explain", "VZ204"),
        ("validate", "--format", "json", "specs"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_reading_a_spec_takes_nothing_heavy(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK.format(arguments=list(arguments))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    code = 1 if arguments[0] == "diff" else 0  # 1: the two are not the same
    assert done.stderr == f"exit code {code}, imported []\n"
    assert done.stdout
