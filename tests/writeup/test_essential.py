"""The shortest spec says the same."""

from pathlib import Path

import pytest

from vaezoo.registry import discover
from vaezoo.spec import expand, from_data
from vaezoo.writeup.essential import essential

SPECS = sorted((Path(__file__).parent.parent.parent / "specs").rglob("*.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_it_trains_the_same_weights(path):
    registry = discover()
    for spec in expand(path, registry=registry):
        short = essential(spec, registry)
        again = from_data(short, registry)
        assert again.training_digest() == spec.training_digest()
        assert again.train == spec.train
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
