"""Figures of trained entries: ``vaezoo evaluate``."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import vaezoo
from tests.forging import rewrite_figures
from tests.helpers import built_in
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.evaluation.evaluate_entry import compute_available, context_of
from vaezoo.zoo import find

NAME = "mnist_mlp20"


@pytest.fixture
def zoo(tmp_path: Path, current: Path) -> Path:
    """A zoo of one's own with a copy of a shipped entry."""
    shutil.copytree(current / NAME, tmp_path / "zoo" / NAME)
    return tmp_path / "zoo"


@pytest.mark.slow
def test_the_metrics_of_the_spec_are_taken_as_they_were(zoo: Path) -> None:
    measured = vaezoo.evaluate(NAME, zoo=zoo)
    recorded = {figure.name: figure for figure in measured.entry.metrics.figures}
    for figure in measured.figures:
        assert figure.value == pytest.approx(recorded[figure.name].value, rel=1e-5)
        assert figure.samples == recorded[figure.name].samples


def test_named_metrics_are_recorded_beside_the_others(zoo: Path) -> None:
    before = find(NAME, zoo=zoo).metrics
    vaezoo.evaluate(NAME, zoo=zoo, metrics=["entropy_floor"], record=True)
    entry = find(NAME, zoo=zoo)
    assert entry.metrics.figures[: len(before.figures)] == before.figures
    assert entry.metrics.figures[-1].name == "entropy_floor"
    # −Σ x log x + (1 − x) log(1 − x) of MNIST's test images, a property of the data
    assert entry.metrics.figures[-1].value == pytest.approx(45.53, abs=0.01)
    assert "entropy_floor" in (entry.path / "README.md").read_text()
    assert entry.metrics.targets == before.targets
    assert sorted(path.name for path in zoo.iterdir()) == [".lock", ".staging", NAME]
    assert not list((zoo / ".staging").iterdir())


@pytest.mark.slow
def test_targets_are_judged_by_recorded_figures(zoo: Path) -> None:
    rewrite_figures(zoo / NAME, elbo=-100.0)
    vaezoo.evaluate(NAME, zoo=zoo, metrics=["elbo"], record=True)
    [target] = find(NAME, zoo=zoo).metrics.targets
    assert target["figure"] == pytest.approx(-105.59, abs=0.01)


@pytest.mark.parametrize("name", ["metrics.json", "README.md", "figures/samples.png"])
def test_nothing_is_recorded_in_an_entry_whose_files_were_changed(zoo: Path, name: str) -> None:
    with (zoo / NAME / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(ZooError, match=rf"VZ503.*{name} was changed after publishing"):
        vaezoo.evaluate(NAME, zoo=zoo, metrics=["entropy_floor"], record=True)


def test_a_recomputed_figure_replaces_the_old_one(zoo: Path) -> None:
    rewrite_figures(zoo / NAME, active_units=3.0)
    vaezoo.evaluate(NAME, zoo=zoo, metrics=["active_units"], record=True)
    figures = [f for f in find(NAME, zoo=zoo).metrics.figures if f.name == "active_units"]
    assert [figure.value for figure in figures] == [20.0]


@pytest.mark.parametrize(("split", "examples"), [("train", 54_000), ("validation", 6_000)])
def test_other_splits_are_those_of_training(split: str, examples: int) -> None:
    measured = vaezoo.evaluate("fashion_mlp2", split=split, metrics=["active_units"])
    (figure,) = measured.figures
    assert (figure.split, figure.examples) == (split, examples)


@pytest.mark.slow
def test_the_importance_weighted_bound_can_be_asked_for(zoo: Path) -> None:
    runner = CliRunner()
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--iw", "2", "--json"]
    result = runner.invoke(cli, arguments, standalone_mode=False)
    *others, figure = json.loads(result.stdout)
    recorded = find(NAME, zoo=zoo).metrics
    assert [one["name"] for one in others] == [one.name for one in recorded.figures]
    elbo = recorded.figure("test/elbo")
    assert elbo is not None
    assert (figure["name"], figure["samples"]) == ("iw_bound", 2)
    assert elbo.value < figure["value"] < elbo.value + 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": ["entropy_flor"]}, "entropy_floor"),
        ({"split": "tets"}, "did you mean 'test'"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(
    zoo: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        vaezoo.evaluate(NAME, zoo=zoo, **arguments)


def test_all_skips_unsupported_metrics_and_says_why() -> None:
    model = vaezoo.load("mnist_flax20")
    asked = [built_in("metric", use) for use in ("active_units", "sample_quality")]
    context = context_of(model, model.spec.dataset.build(), "test")
    figures, left_out = compute_available(asked, context, lambda *_: None, named=["all"])
    assert [figure.name for figure in figures] == ["active_units"]
    [reason] = left_out
    assert reason.startswith("sample_quality: it needs a classifier of the images")
    with pytest.raises(UsageError, match="needs a classifier"):
        compute_available(asked[1:], context, lambda *_: None, named=["all", "sample_quality"])


def test_a_weights_file_alone_can_be_measured_but_not_written(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    measured = vaezoo.evaluate(path, metrics=["active_units"])
    assert measured.figures[0].value == 20
    with pytest.raises(ZooError, match=r"VZ503.*a weights file alone has no metrics\.json"):
        vaezoo.evaluate(path, metrics=["active_units"], record=True)


def test_figures_are_not_computed_if_they_cannot_be_recorded(
    zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--record"]
    with pytest.raises(ZooError, match=r"VZ503.*cannot be written") as refused:
        cli.main(arguments, standalone_mode=False)
    assert refused.value.exit_code == 3


@pytest.mark.slow
def test_a_repeated_option_names_more_metrics(zoo: Path) -> None:
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--json"]
    named = ["--metrics", "entropy_floor,active_units", "--metrics", "active_units,elbo"]
    result = CliRunner().invoke(cli, [*arguments, *named], standalone_mode=False)
    names = [figure["name"] for figure in json.loads(result.stdout)]
    assert names[:3] == ["entropy_floor", "active_units", "elbo"]
