"""``vaezoo sample`` and ``vaezoo draw`` in an empty folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaezoo
from tests.runs.shell import Shell
from vaezoo.system import safetensors_io


@pytest.fixture
def sampler(shell: Shell, zoo: Path) -> Shell:
    """Finds the entry ``plain``; nothing else but the built-in plugin is there."""
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    return shell


@pytest.mark.slow
def test_the_defaults_make_a_grid_and_say_where(sampler: Shell) -> None:
    done = sampler.call("sample", "plain")
    assert (done.code, done.err) == (0, "")
    stated = "plain-samples.png (1142×572 pixels, scale 4)"
    assert done.out == f"50 samples of plain (seed 0, mean images) → {stated}\n"
    assert [path.name for path in sampler.folder.iterdir()] == ["plain-samples.png"]
    with Image.open(sampler.folder / "plain-samples.png") as picture:
        picture.load()
        assert picture.size == (10 * 114 + 2, 5 * 114 + 2)


def test_every_format_holds_the_same_images(sampler: Shell, zoo: Path) -> None:
    expected = vaezoo.load("plain", zoo=zoo).sample(7, seed=3)
    for form in ("npy", "safetensors", "png"):
        options = ["--n", "7", "--seed", "3", "--device", "cpu", "--format", form]
        options += ["--scale", "2"] if form == "png" else []
        assert sampler.inside("sample", "plain", *options).code == 0
    array = np.load(sampler.folder / "plain-samples.npy", allow_pickle=False)
    assert (array.dtype, array.shape) == (np.float32, (7, 1, 28, 28))
    assert np.array_equal(array, expected.numpy())
    tensors, header = safetensors_io.load(sampler.folder / "plain-samples.safetensors")
    assert torch.equal(tensors["images"], expected)
    assert (header["model"], header["seed"]) == ("plain", "3")
    with Image.open(sampler.folder / "plain-samples.png") as picture:
        pixels = torch.from_numpy(np.array(picture))
    first = (expected[0, 0] * 255).round().to(torch.uint8)
    assert torch.equal(pixels[2:58:2, 2:58:2], first)


@pytest.mark.parametrize("form", ["png", "npy", "safetensors"])
def test_the_seed_decides_the_bytes(sampler: Shell, form: str) -> None:
    def sample(file: str, seed: str) -> bytes:
        out = f"{file}.{form}"
        done = sampler.inside("sample", "plain", "--out", out, "--seed", seed, "--device", "cpu")
        assert done.code == 0, done.err
        return (sampler.folder / out).read_bytes()

    assert sample("a", "1") == sample("b", "1")
    assert sample("c", "2") != sample("a", "1")


def test_an_entry_is_sampled_by_folder_and_by_weights_file(sampler: Shell, zoo: Path) -> None:
    for name in ("plain", str(zoo / "plain"), str(zoo / "plain" / "model.safetensors")):
        done = sampler.inside("sample", name, "--out", "a.png", "--n", "1")
        assert (done.code, done.out) == (
            0,
            "1 sample of plain (seed 0, mean images) → a.png (452×452 pixels, scale 16)\n",
        )


def test_draw_makes_the_pictures_of_the_spec_in_a_folder(sampler: Shell) -> None:
    done = sampler.inside("draw", "plain")
    assert (done.code, done.out) == (0, "plain-figures/samples.png\n"), done.err
    with Image.open(sampler.folder / "plain-figures" / "samples.png") as picture:
        picture.load()


@pytest.mark.slow
def test_draw_makes_any_picture_that_is_named(sampler: Shell) -> None:
    done = sampler.inside("draw", "plain", "manifold", "samples", "--out", "here")
    assert done.code == 0, done.err
    assert done.out.splitlines() == ["here/manifold.png", "here/samples.png"]
    first = (sampler.folder / "here" / "manifold.png").read_bytes()
    assert sampler.inside("draw", "plain", "manifold", "--out", "there").code == 0
    assert (sampler.folder / "there" / "manifold.png").read_bytes() == first


def test_an_entry_says_which_plugin_it_needs(shell: Shell) -> None:
    shell.run(shell.write(train={"epochs": 1}))
    assert shell.inside("sample", "small").code == 0
    shell.environment["VAEZOO_DISABLE_PLUGINS"] = "blobs_plugin"
    done = shell.inside("sample", "small", "--force")
    assert done.code == 0  # samples need no data
    assert "warning[VZ304]: small was made with the dataset 'blobs', which is not" in done.err
    done = shell.inside("draw", "small")
    assert done.code == 1
    assert "VZ304" in done.err
    assert "the dataset 'blobs'" in done.err
    assert "--plugin" in done.err
