"""Measurements that specs cite equal those in ``benchmarks/results``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import readme_table
import seeds
import torch

from tests.helpers import Blobs, registry_with, spec_data
from vaezoo.spec import from_data
from vaezoo.training import Observer, train

ROOT = Path(__file__).parent.parent


def recorded(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))


def words(spec: str) -> str:
    """The text of a spec, its comments joined into one line."""
    lines = (ROOT / "specs" / f"{spec}.yaml").read_text("utf-8").splitlines()
    return " ".join(line.removeprefix("# ").strip() for line in lines)


def test_the_gaps_of_the_flawed_estimator() -> None:
    text = words("published/mnist_nvae2")
    for name in ("published", "flawed", "iw_bound"):
        gaps = [f"{entry[name]:.2f}" for entry in recorded("flawed_estimator")["entries"].values()]
        assert f"{', '.join(gaps[:3])} and {gaps[3]}" in text, name


def test_the_other_training_of_the_same_network() -> None:
    ended = recorded("jaanli_recipe")["test_elbo"]["20000"]
    text = words("mnist_mlp128")
    assert f"ends at {ended:.2f}" in text
    assert f"a test ELBO of −{-ended:.2f} on this data" in text


def test_the_training_of_the_published_recipe() -> None:
    found = recorded("mnist_jaanli_pytorch")
    elbo = next(figure for figure in found["figures"] if figure["name"] == "elbo")
    text = f"{elbo['value']:.2f} ± {elbo['standard_error']:.2f}"
    assert f"Trained once: {text}" in words("mnist_jaanli_pytorch")
    assert abs(elbo["value"] - found["published"]["value"]) < 3 * elbo["standard_error"]


def test_the_training_of_pythae() -> None:
    found, text = recorded("mnist_pythae40"), words("published/mnist_pythae40")
    bound = next(figure for figure in found["figures"] if figure["name"] == "iw_bound")
    cited = f"{bound['value']:.2f} ± {bound['standard_error']:.2f}"
    assert f"Trained once: {cited}" in text
    assert f"ELBO of {found['train_elbo']:.2f} on the training images" in text
    assert f"{found['validation_elbo']:.2f} on the validation images" in text
    assert f"Worse by {found['published']['value'] - bound['value']:.1f} nats" in text
    assert cited.replace("-", "−") in readme_table.UNTRAINED["mnist_pythae40"]


def test_the_chosen_seed() -> None:
    found, text = recorded("seeds_mnist_keras2"), words("mnist_keras2")
    assert found["seeds"] == 20
    assert f"seed: {found['best_seed']}" in text
    comment, _, note = text.partition("note:")
    numbers = [
        found[name] for name in ("best", "median", "lower_quartile", "upper_quartile", "worst")
    ]
    for part in (comment, note):
        assert all(f"{number:.2f}" in part for number in numbers)
    plain = recorded("plain/mnist_keras2-seed0")["last_training_epoch"]["objective"]
    assert f"ended at {plain:.2f}" in comment
    assert f"ended at {plain:.2f}" in note


def test_a_seed_trains_like_a_run(tmp_path: Path, monkeypatch: Any) -> None:
    """The objective of one epoch of full batches equals the one that ``train`` records."""
    spec = from_data(spec_data(train={"epochs": 1, "batch_size": 8}), registry_with(Blobs))
    data = spec.dataset.build()
    cpu = torch.device("cpu")
    trained = train(spec, data, device=cpu, directory=tmp_path, observer=Observer(), compile="off")
    count = round(len(data.train) * (1 - spec.train.validation))
    assert count % spec.train.batch_size == 0
    monkeypatch.setattr(seeds, "LAST", count)
    found = seeds.objective(spec, data, count)
    assert abs(found - trained.history[0].train["objective"]) < 1e-4 * found
