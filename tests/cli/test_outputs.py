"""Outputs replace what is theirs to replace, and nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.runs.shell import Shell


@pytest.fixture
def sampler(shell: Shell, zoo: Path) -> Shell:
    """Finds the entry ``plain``, and has a folder with a spec."""
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    (shell.folder / "specs").mkdir()
    (shell.folder / "specs" / "a.yaml").write_text("vaezoo: 1\n")
    return shell


def test_outputs_are_written_directly_to_irregular_files(sampler: Shell) -> None:
    os.mkfifo(sampler.folder / "fifo")
    read: list[bytes] = []
    for arguments in (
        ["sample", "plain", "--n", "1", "--out", "fifo", "--format", "png"],
        ["schema", "--output", "fifo"],
        ["validate", "specs", "--output", "json=fifo"],
    ):
        content = (sampler.folder / "fifo").read_bytes
        reader = threading.Thread(target=lambda content=content: read.append(content()))
        reader.start()
        done = sampler.inside(*arguments)
        reader.join(60)
        assert done.code in (0, 1), done.err
        assert (sampler.folder / "fifo").is_fifo()
    assert [content[:4] for content in read] == [b"\x89PNG", b"{\n  ", b"{\n  "]


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "plain", "--n", "1", "--format", "png", "--out"],
        ["sample", "plain", "--n", "1", "--format", "npy", "--out"],
        ["sample", "plain", "--n", "1", "--format", "safetensors", "--out"],
        ["schema", "--output"],
        ["validate", "specs", "--format", "sarif", "--output"],
    ],
)
def test_a_file_of_another_kind_wants_force(sampler: Shell, arguments: list[str]) -> None:
    spec = sampler.folder / "mine.yaml"
    spec.write_text("name: precious\n")
    if arguments[0] == "validate":
        arguments = [*arguments[:-1], arguments[-1]]
        done = sampler.inside(*arguments, "sarif=mine.yaml")
        forced = [*arguments, "sarif=mine.yaml", "--force"]
    else:
        done = sampler.inside(*arguments, "mine.yaml")
        forced = [*arguments, "mine.yaml", "--force"]
    assert done.code == 3
    assert "VZ503" in done.err
    assert "--force replaces it" in done.err
    assert spec.read_text() == "name: precious\n"
    assert sampler.inside(*forced).code in (0, 1)
    assert spec.read_bytes() != b"name: precious\n"


def test_weights_are_not_replaced_by_samples_unasked(sampler: Shell, zoo: Path) -> None:
    path = zoo / "plain" / "model.safetensors"
    before = path.read_bytes()
    done = sampler.inside("sample", "plain", "--n", "1", "--out", str(path))
    assert done.code == 3
    assert "is not a safetensors file of images; --force replaces it" in done.err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "plain", "--n", "1", "--out", "none/such/a.png"],
        ["draw", "plain", "--out", "none/such"],
        ["report", "plain", "--out", "none/such/a.html"],
        ["schema", "--output", "none/such/a.json"],
        ["validate", "specs", "--output", "json=none/such/a.json"],
        ["plugins", "new", "vaezoo-mine", "--directory", "none/such"],
    ],
)
def test_a_missing_folder_is_not_made(sampler: Shell, arguments: list[str]) -> None:
    done = sampler.inside(*arguments)
    assert done.code == 3
    assert "VZ503" in done.err
    assert f"the nearest is {sampler.folder}" in done.err
    assert not (sampler.folder / "none").exists()
