"""The shortest spec says the same."""

from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

import vaezoo
from tests.helpers import registry_with, small_spec
from tests.runs.blobs_plugin import Blobs
from vaezoo.registry import discover
from vaezoo.reports.shortest_spec import essential
from vaezoo.spec import expand, from_data
from vaezoo.system.yaml_writer import to_yaml

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").rglob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_it_trains_the_same_weights(path):
    registry = discover()
    for spec in expand(path, registry=registry):
        short = essential(spec, registry)
        again = from_data(short, registry)
        assert again.training_digest() == spec.training_digest()
        assert again.train == spec.train
        assert again.publish == spec.publish
        assert again.metrics == spec.metrics
        assert again.name == spec.name
        assert "visualizers" not in short


def test_defaults_are_left_out():
    registry = discover()
    data = {
        "vaezoo": 1,
        "name": "plain",
        "dataset": {"use": "mnist"},
        "model": {
            "latent": 2,
            "encoder": {"use": "mlp", "hidden": [400]},
            "decoder": {"use": "mlp", "hidden": [300]},
            "likelihood": "bernoulli",
        },
        "train": {"epochs": 3, "seed": 0},
    }
    assert essential(from_data(data, registry), registry) == {
        "vaezoo": 1,
        "name": "plain",
        "dataset": "mnist",
        "model": {"latent": 2, "encoder": "mlp", "decoder": {"use": "mlp", "hidden": [300]}},
        "train": {"epochs": 3},
    }


@pytest.mark.slow
def test_it_trains_the_same_weights_to_the_bit_and_takes_the_same_figures(tmp_path, monkeypatch):
    """Rounding to half precision decides the published weights as much as training does."""
    monkeypatch.chdir(tmp_path)
    registry = registry_with(Blobs)
    whole = small_spec(
        publish={"weights": "float16"},
        metrics=[{"use": "elbo", "samples": 3}, "active_units", {"use": "elbo", "samples": 10}],
    )
    printed = yaml.safe_load(to_yaml(essential(whole, registry)))
    assert printed["publish"] == {"weights": "float16"}
    assert printed["metrics"] == [{"use": "elbo", "samples": 3}, "active_units", "elbo"]
    entries = [
        vaezoo.run(spec, zoo=zoo, device="cpu", registry=registry)
        for spec, zoo in ((whole, "whole"), (from_data(printed, registry), "printed"))
    ]
    assert entries[0].header["digest"] == entries[1].header["digest"]
    assert entries[0].metrics.figures == entries[1].metrics.figures
    rounded = load_file(entries[1].path / "model.safetensors")
    assert {tensor.dtype for tensor in rounded.values()} == {torch.float16}
