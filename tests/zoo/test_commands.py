"""``vaezoo zoo`` and ``vaezoo sample``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from vaezoo.cli.context import Context
from vaezoo.cli.sample import command as sample
from vaezoo.cli.zoo import command as zoo
from vaezoo.data.grid_layout import grid_columns
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.system import safetensors_io
from vaezoo.zoo import find
from vaezoo.zoo.predecessors import predecessors


class Shell:
    """Runs a command as ``vaezoo`` does, in the folder of the test."""

    def __init__(self, registry: Any) -> None:
        self.context = Context()
        self.context.__dict__["registry"] = registry

    def __call__(self, command: click.Command, *arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(command, list(arguments), obj=self.context, **options)

    def out(self, command: click.Command, *arguments: str) -> str:
        result = self(command, *arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output


@pytest.fixture
def shell(publisher: Any) -> Shell:
    publisher()
    return Shell(publisher.registry)


def test_list_shows_what_matters(shell: Shell) -> None:
    Path("zoo/foreign").mkdir()
    text = shell.out(zoo, "list", "--zoo", "zoo")
    (line,) = [line for line in text.splitlines() if line.startswith("tiny ")]
    assert line.split()[1:6] == ["dots", "2", "-105.40", "±", "0.25"]
    assert "A model for tests" in text
    assert "1 model in zoo" in text
    assert "foreign: damaged, zoo/foreign/model.safetensors is missing" in text
    data = {item["name"]: item for item in json.loads(shell.out(zoo, "list", "--json"))}
    assert data["tiny"]["test_elbo"] == -105.4
    assert data["foreign"]["problem"]["code"] == "VZ502"


def test_show_has_every_section(shell: Shell) -> None:
    text = shell.out(zoo, "show", "tiny")
    for part in ("A model for tests", "test/elbo", "reproduced", "latent: 2", "README.md", "z1"):
        assert part in text
    data = json.loads(shell.out(zoo, "show", "tiny", "--json"))
    assert data["lock"]["seed"] == 0
    assert data["figures"][0]["value"] == -105.4


def test_show_of_a_weights_file_alone(shell: Shell) -> None:
    text = shell.out(zoo, "show", "zoo/tiny/model.safetensors")
    assert text.startswith("tiny: A model for tests")
    assert "Figures" not in text


def test_restore_and_prune(shell: Shell, publisher: Any) -> None:
    assert "nothing to delete" in shell.out(zoo, "prune")
    publisher(seed=5)
    assert "zoo/tiny" in shell.out(zoo, "restore", "tiny")
    refused = shell(zoo, "prune", "tiny", input="y\n")  # no terminal, whatever is piped in
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    assert "zoo/.previous/tiny-" in refused.output
    assert len(predecessors(Path("zoo"))) == 1
    assert "deleted 1 replaced entry" in shell.out(zoo, "prune", "--yes")
    assert predecessors(Path("zoo")) == []
    assert find("tiny").load()


def test_sample_writes_a_picture_and_says_where(shell: Shell) -> None:
    said = shell.out(sample, "tiny")
    stated = "(662×332 pixels, scale 16)"
    assert said == f"50 samples of tiny (seed 0, mean images) → tiny-samples.png {stated}\n"
    with Image.open("tiny-samples.png") as picture:
        assert picture.size == (10 * 66 + 2, 5 * 66 + 2)


def test_scale_of_a_picture(shell: Shell) -> None:
    said = shell.out(sample, "tiny", "--n", "2", "--scale", "3")
    assert said.endswith("(30×16 pixels, scale 3)\n")
    with Image.open("tiny-samples.png") as picture:
        assert picture.size == (30, 16)
    refused = shell(sample, "tiny", "--scale", "3", "--out", "a.npy")
    assert refused.exit_code == 2
    assert "--scale is for png" in refused.output


def test_format_follows_the_suffix(shell: Shell) -> None:
    expected = find("tiny").load().sample(3, seed=7)
    options = ("--n", "3", "--seed", "7", "--device", "cpu")
    Path("new/folder").mkdir(parents=True)
    shell.out(sample, "tiny", *options, "--out", "new/folder/a.npy")
    assert np.array_equal(np.load("new/folder/a.npy"), expected.numpy())
    shell.out(sample, "tiny", *options, "--format", "safetensors")
    tensors, header = safetensors_io.load(Path("tiny-samples.safetensors"))
    assert torch.equal(tensors["images"], expected)
    assert (header["model"], header["seed"]) == ("tiny", "7")
    shell.out(sample, "tiny", *options, "--out", "a.data", "--format", "png")
    with Image.open("a.data") as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    "arguments", [["--n", "0"], ["--n", "x"], ["--seed", "-1"], ["--out", "a.jpg"]]
)
def test_wrong_arguments_are_refused(shell: Shell, arguments: list[str]) -> None:
    assert shell(sample, "tiny", *arguments).exit_code == 2


def test_unknown_name_comes_before_any_work(shell: Shell) -> None:
    error = shell(sample, "tinny").exception
    assert isinstance(error, UsageError)
    assert "did you mean 'tiny'" in str(error)


@pytest.mark.parametrize("out", ["file/a.png", "zoo", "/proc/nothing/a.png"])
def test_file_that_cannot_be_written(
    shell: Shell, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("file").write_text("not a folder")
    monkeypatch.setattr(safetensors_io, "load", lambda path: pytest.fail("looked too late"))
    error = shell(sample, "tiny", "--out", out, "--format", "png").exception
    assert isinstance(error, ZooError)
    assert error.exit_code == 3
    assert f"VZ503: cannot write {out}" in str(error)


def test_full_disk_leaves_no_half_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    error = shell(sample, "tiny").exception
    assert isinstance(error, ZooError)
    assert "No space left" in str(error)
    assert [path.name for path in Path().glob("*samples*")] == []


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 16, 50, 53, 64, 100, 1000])
def test_grids_are_neither_towers_nor_ribbons(count: int) -> None:
    columns = grid_columns(count)
    rows = -(-count // columns)
    assert 1 <= columns <= count
    assert columns <= 4 * rows
    assert rows <= 2 * columns
    assert grid_columns(50) == 10


def test_listing_and_showing_import_no_torch(shell: Shell) -> None:
    program = (
        "import sys; from vaezoo.cli.zoo import command\n"
        "command(['list'], standalone_mode=False)\n"
        "command(['show', 'tiny'], standalone_mode=False)\n"
        "sys.exit(bool({'torch', 'numpy', 'matplotlib', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("command", [sample, *zoo.commands.values(), zoo])
def test_help_ends_with_an_example(shell: Shell, command: click.Command) -> None:
    last = shell.out(command, "--help").strip().splitlines()[-1]
    assert last.strip().startswith("Example: vaezoo ")
