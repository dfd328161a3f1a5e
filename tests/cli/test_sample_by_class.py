"""``vaezoo sample --label``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vaezoo
from tests.helpers import registry_with, spec_data
from tests.runs.shell import Shell
from vaezoo.model import build
from vaezoo.spec import from_data
from vaezoo.system import safetensors_io
from vaezoo.zoo import make_lock
from vaezoo.zoo.publish import publish


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with an untrained conditional model, ``classes``."""
    registry, folder = registry_with(), tmp_path_factory.mktemp("zoo")
    model = {"condition": "labels"}
    spec = from_data(spec_data(name="classes", dataset="fashion_mnist", model=model), registry)
    lock = make_lock(spec, registry, device="cpu", precision="float32", dataset_digest="0" * 64)
    publish(spec, build(spec), lock=lock, figures=[], zoo=folder)
    return folder


@pytest.fixture
def sampler(shell: Shell, folder: Path) -> Shell:
    shell.environment["VAEZOO_ZOO"] = str(folder)
    return shell


def test_one_class(sampler: Shell, folder: Path) -> None:
    model = vaezoo.load("classes", zoo=folder)
    expected = model.sample(6, labels="Sneaker", seed=2).numpy()
    for label in ("Sneaker", "7"):
        options = ("--label", label, "--n", "6", "--seed", "2", "--out", "a.npy")
        done = sampler.inside("sample", "classes", *options, "--device", "cpu")
        assert done.out == "6 samples of classes, class Sneaker (seed 2, mean images) → a.npy\n"
        assert np.array_equal(np.load(sampler.folder / "a.npy"), expected)


def test_a_row_for_each_class(sampler: Shell, folder: Path) -> None:
    options = ("--label", "all", "--n", "3", "--device", "cpu")
    done = sampler.inside("sample", "classes", *options, "--out", "a.safetensors")
    assert "30 samples of classes, 3 of each class" in done.out
    tensors, header = safetensors_io.load(sampler.folder / "a.safetensors")
    model = vaezoo.load("classes", zoo=folder)
    assert model.condition is not None
    rows = [model.sample(3, labels=name) for name in model.condition.names]
    assert torch.equal(tensors["images"], torch.cat(rows))
    assert header["label"] == "all"
    assert sampler.inside("sample", "classes", *options, "--scale", "2", "--out", "a.png").code == 0
    with Image.open(sampler.folder / "a.png") as picture:
        assert picture.size == (3 * 58 + 2, 10 * 58 + 2)


def test_the_card_names_the_classes(folder: Path) -> None:
    text = (folder / "classes" / "README.md").read_text("utf-8")
    assert "The classes are T-shirt/top, Trouser, " in text
    assert "pipeline_tag: other" in text


def test_a_class_that_does_not_exist(sampler: Shell) -> None:
    done = sampler.inside("sample", "classes", "--label", "sneakers")
    assert done.code == 2
    assert "VZ504" in done.err
    assert "there is no class 'sneakers'" in done.err
    assert "did you mean 'Sneaker'? classes: Ankle boot, Bag" in done.err
    assert sampler.inside("sample", "classes", "--label", "10").code == 2


def test_a_model_without_a_condition(sampler: Shell, zoo: Path) -> None:
    done = sampler.inside("sample", "plain", "--label", "Sneaker", "--zoo", str(zoo))
    assert done.code == 2
    assert "the model has no condition" in done.err
    assert not list(sampler.folder.iterdir())
