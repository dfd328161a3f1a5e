"""Figures of trained entries: ``vaezoo evaluate`` and ``vaezoo verify``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import vaezoo
from vaezoo.cli.main import cli
from vaezoo.diagnostics import UsageError
from vaezoo.zoo import find

NAME = "mnist_mlp20"


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """A zoo of one's own with a copy of a shipped entry."""
    shutil.copytree(find(NAME).path, tmp_path / "zoo" / NAME)
    return tmp_path / "zoo"


def rewrite(zoo: Path, **changes: float) -> None:
    """Set recorded figures of the entry to other values."""
    path = zoo / NAME / "metrics.json"
    data = json.loads(path.read_text())
    for figure in data["figures"]:
        figure["value"] = changes.get(figure["name"], figure["value"])
    path.write_text(json.dumps(data))


def test_the_metrics_of_the_spec_are_taken_as_they_were(zoo: Path) -> None:
    measured = vaezoo.evaluate(NAME, zoo=zoo)
    recorded = {figure.name: figure for figure in measured.entry.metrics.figures}
    for figure in measured.figures:
        assert figure.value == pytest.approx(recorded[figure.name].value, rel=1e-5)
        assert figure.samples == recorded[figure.name].samples
    assert measured.unrecorded


def test_named_metrics_are_recorded_beside_the_others(zoo: Path) -> None:
    before = find(NAME, zoo=zoo).metrics
    measured = vaezoo.evaluate(NAME, zoo=zoo, metrics=["entropy_floor"], record=True)
    assert measured.unrecorded is None
    entry = find(NAME, zoo=zoo)
    assert entry.metrics.figures[: len(before.figures)] == before.figures
    assert entry.metrics.figures[-1].name == "entropy_floor"
    # −Σ x log x + (1 − x) log(1 − x) of MNIST's test images, a property of the data
    assert entry.metrics.figures[-1].value == pytest.approx(45.53, abs=0.01)
    assert "entropy_floor" in (entry.path / "README.md").read_text()
    assert entry.metrics.targets == before.targets
    assert sorted(path.name for path in zoo.iterdir()) == [".lock", ".previous", ".staging", NAME]
    assert not list((zoo / ".previous").iterdir())


def test_a_figure_that_is_taken_again_replaces_itself(zoo: Path) -> None:
    rewrite(zoo, active_units=3.0)
    vaezoo.evaluate(NAME, zoo=zoo, metrics=["active_units"], record=True)
    figures = [f for f in find(NAME, zoo=zoo).metrics.figures if f.name == "active_units"]
    assert [figure.value for figure in figures] == [20.0]


@pytest.mark.parametrize(("split", "examples"), [("train", 54_000), ("validation", 6_000)])
def test_other_splits_are_those_of_training(split: str, examples: int) -> None:
    measured = vaezoo.evaluate("fashion_mlp2", split=split, metrics=["active_units"])
    (figure,) = measured.figures
    assert (figure.split, figure.examples) == (split, examples)


def test_the_importance_weighted_bound_can_be_asked_for(zoo: Path) -> None:
    runner = CliRunner()
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--iw", "2", "--json"]
    result = runner.invoke(cli, arguments, standalone_mode=False)
    (figure,) = json.loads(result.stdout)
    elbo = find(NAME, zoo=zoo).metrics.figure("test/elbo")
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
    zoo: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        vaezoo.evaluate(NAME, zoo=zoo, **arguments)


def test_a_weights_file_alone_can_be_measured_but_not_written(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    measured = vaezoo.evaluate(path, metrics=["active_units"], record=True)
    assert measured.figures[0].value == 20
    assert "metrics.json" in (measured.unrecorded or "")


def test_an_entry_that_is_what_it_says_passes(zoo: Path) -> None:
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert verdict.passed
    checked = [check.what for check in verdict.checks]
    assert checked == [
        "weights",
        "dataset",
        "test/elbo",
        "test/reconstruction",
        "test/kl",
        "test/active_units",
        "target test/elbo",
    ]


def test_fewer_samples_still_pass(zoo: Path) -> None:
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert verdict.passed
    assert "(1 samples)" in verdict.checks[2].detail


@pytest.mark.parametrize("samples", [None, 1])
def test_a_recorded_figure_that_is_not_the_models_fails(zoo: Path, samples: int | None) -> None:
    rewrite(zoo, elbo=-105.3)
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=samples)
    assert [check.what for check in verdict.checks if not check.passed] == ["test/elbo"]


def test_changed_weights_fail(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert not verdict.passed
    assert "are not those that were published" in verdict.checks[0].detail


def test_the_command_exits_with_one_when_a_check_fails(zoo: Path) -> None:
    runner = CliRunner()
    arguments = ["verify", NAME, "--zoo", str(zoo), "--samples", "1"]
    good = runner.invoke(cli, arguments, standalone_mode=False)
    assert good.return_value == 0
    assert "PASS  target test/elbo" in good.stdout
    rewrite(zoo, kl=20.0)
    bad = runner.invoke(cli, arguments, standalone_mode=False)
    assert bad.return_value == 1
    assert "FAIL  test/kl" in bad.stdout
