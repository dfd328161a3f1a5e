"""Specs that come through standard input and pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import vaezoo
from tests.spec.conftest import GOOD
from vaezoo.diagnostics import SpecError
from vaezoo.diagnostics.output import render
from vaezoo.spec.stdin import given

WRONG = GOOD.replace("epochs: 3", "epochs: x")


def cli(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """``vaezoo``, with ``text`` on its standard input."""
    command = [sys.executable, "-m", "vaezoo", *arguments]
    return subprocess.run(
        command, input=text, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def piped(content: bytes) -> str:
    """The path of a pipe that gives ``content``, as a shell's ``<(command)`` has it."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return f"/dev/fd/{reading}"


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_validate_reads_standard_input(name: str, tmp_path: Path) -> None:
    good = cli(tmp_path, "validate", name, text=GOOD)
    assert (good.returncode, good.stdout) == (0, "1 spec is valid\n")
    wrong = cli(tmp_path, "validate", name, text=WRONG)
    assert wrong.returncode == 1
    assert "  --> <stdin>:9:11\n" in wrong.stdout
    assert " 9 |   epochs: x\n" in wrong.stdout


@pytest.mark.slow
def test_show_why_and_diff_read_standard_input(tmp_path: Path) -> None:
    assert "name: probe" in cli(tmp_path, "show", "-", text=GOOD).stdout
    assert "  --> <stdin>:9:11\n" in cli(tmp_path, "why", "-", "train.epochs", text=GOOD).stdout
    changed = cli(tmp_path, "diff", "-", "--set", "train.epochs=4", text=GOOD)
    assert changed.returncode == 1
    assert "train.epochs: 3 → 4" in changed.stdout


def test_run_reads_standard_input(tmp_path: Path) -> None:
    done = cli(tmp_path, "run", "-", text=WRONG)
    assert done.returncode == 1
    assert "'train.epochs' must be an integer" in done.stderr


def test_fix_is_for_files(tmp_path: Path) -> None:
    for option in ("--fix", "--diff"):
        done = cli(tmp_path, "validate", "-", option, text=GOOD)
        assert done.returncode == 2
        assert "--fix and --diff need files" in done.stderr


def test_a_base_of_a_piped_spec_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(GOOD)
    assert vaezoo.read(piped(b"extends: base.yaml\nname: heir\n")).name == "heir"


def test_every_reader_takes_a_pipe() -> None:
    content = GOOD.encode()
    assert vaezoo.validate(piped(content)) == ()
    assert len(vaezoo.expand(piped(content))) == 1
    assert vaezoo.why(piped(content), "train.epochs")[0].value == 3
    assert not vaezoo.diff(piped(content), piped(content)).changes


def test_a_finding_shows_the_line_that_came_through_the_pipe() -> None:
    found = vaezoo.validate(piped(WRONG.encode()))
    assert " 9 |   epochs: x\n" in render(found)


def test_a_large_pipe_is_refused() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file, contextlib.suppress(BrokenPipeError):
            file.write(b"# " + b"x" * (3 << 20))

    thread = threading.Thread(target=write)
    thread.start()
    (finding,) = vaezoo.validate(f"/dev/fd/{reading}")
    os.close(reading)
    thread.join()
    assert finding.code == "VZ106"


def test_a_named_pipe_waits_for_a_writer_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    os.mkfifo(path)
    with pytest.raises(SpecError, match="a pipe without a writer"):
        given(path)
    writer = threading.Thread(target=path.write_text, args=(GOOD,))
    writer.start()
    assert vaezoo.validate(path) == ()
    writer.join()


def test_a_pipe_in_a_folder_is_a_finding(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "spec.yaml")
    (finding,) = vaezoo.validate(tmp_path)
    assert (finding.code, "it is a pipe" in finding.message) == ("VZ101", True)


@pytest.mark.parametrize("name", ["T.YAML", "T.yml", "T.YML", "t.Yaml"])
def test_endings_in_either_case(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(WRONG)
    assert [finding.code for finding in vaezoo.validate(path)] == ["VZ203"]
    assert [finding.code for finding in vaezoo.validate(tmp_path)] == ["VZ203"]
    path.write_text(GOOD)
    assert vaezoo.why(path, "train.epochs")[0].value == 3
