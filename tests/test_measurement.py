"""Figures of trained entries: ``vaezoo evaluate`` and ``vaezoo verify``."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import vaezoo
from vaezoo import weights
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.measurement import scene_of, take_what_can_be_had
from vaezoo.registry import discover
from vaezoo.verification import Check, Verdict
from vaezoo.zoo import find

NAME = "mnist_mlp20"


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    """A zoo of one's own with a copy of a shipped entry."""
    shutil.copytree(find(NAME).path, tmp_path / "zoo" / NAME)
    return tmp_path / "zoo"


def checked(verdict: Verdict) -> dict[str, Check]:
    """The checks by what they looked at."""
    return {check.what: check for check in verdict.checks}


def failed(verdict: Verdict) -> list[str]:
    return [check.what for check in verdict.checks if not check.passed]


def rewrite_header(zoo: Path, **changes: Callable[[Any], Any]) -> None:
    """Change the spec or the lock in the header of the weights file, which keeps its digest."""
    path = zoo / NAME / "model.safetensors"
    tensors, header = weights.load(path)
    for key, change in changes.items():
        data = json.loads(header[key])
        change(data)
        header[key] = json.dumps(data)
    weights.save(path, tensors, header)


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
    zoo: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        vaezoo.evaluate(NAME, zoo=zoo, **arguments)


def test_all_leaves_out_what_the_model_cannot_have_and_says_why() -> None:
    model = vaezoo.load("mnist_flax20")
    registry = discover()
    asked = [registry.find("metric", use).component() for use in ("active_units", "sample_quality")]
    scene = scene_of(model, model.spec.dataset.build(), "test")
    figures, left_out = take_what_can_be_had(asked, scene, lambda *_: None, named=["all"])
    assert [figure.name for figure in figures] == ["active_units"]
    [reason] = left_out
    assert reason.startswith("sample_quality: samples of 'binarized_mnist' cannot be judged")
    with pytest.raises(UsageError, match="has no classifier"):
        take_what_can_be_had(asked[1:], scene, lambda *_: None, named=["all", "sample_quality"])


def test_a_weights_file_alone_can_be_measured_but_not_written(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    measured = vaezoo.evaluate(path, metrics=["active_units"])
    assert measured.figures[0].value == 20
    with pytest.raises(ZooError, match=r"VZ503.*a weights file alone has no metrics\.json"):
        vaezoo.evaluate(path, metrics=["active_units"], record=True)


def test_figures_are_not_taken_where_they_cannot_be_recorded(
    zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--record"]
    with pytest.raises(ZooError, match=r"VZ503.*cannot be written") as refused:
        cli.main(arguments, standalone_mode=False)
    assert refused.value.exit_code == 3


def test_a_repeated_option_names_more_metrics(zoo: Path) -> None:
    arguments = ["evaluate", NAME, "--zoo", str(zoo), "--json"]
    named = ["--metrics", "entropy_floor,active_units", "--metrics", "active_units,elbo"]
    result = CliRunner().invoke(cli, [*arguments, *named], standalone_mode=False)
    names = [figure["name"] for figure in json.loads(result.stdout)]
    assert names[:3] == ["entropy_floor", "active_units", "elbo"]


def test_an_entry_that_is_what_it_says_passes(zoo: Path) -> None:
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert verdict.passed
    checked = [check.what for check in verdict.checks]
    assert checked == [
        "weights",
        "lock",
        "spec.yaml",
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
    assert "(1 sample)" in checked(verdict)["test/elbo"].detail


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
    assert failed(verdict) == ["weights and lock"]
    assert "are not those that were published" in verdict.checks[0].detail


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lock: lock.update(seed=7), "the lock is of the seed 7, the spec has 0"),
        (lambda lock: lock["dataset"].update(use="emnist"), "the lock is of the dataset emnist"),
        (lambda lock: lock["components"].pop(1), "the spec has the encoder vaezoo:mlp"),
    ],
)
def test_a_lock_of_something_else_fails(zoo: Path, change: Callable[[Any], Any], said: str) -> None:
    rewrite_header(zoo, lock=change)
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert failed(verdict) == ["lock"]
    assert said in checked(verdict)["lock"].detail


@pytest.mark.parametrize(
    "change",
    [
        lambda lock: lock.update(device="cpu"),
        lambda lock: lock.pop("dataset"),
        lambda lock: lock["components"][0].pop("plugin"),
    ],
)
def test_a_lock_of_another_form_fails(zoo: Path, change: Callable[[Any], Any]) -> None:
    rewrite_header(zoo, lock=change)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert "the lock in" in verdict.checks[0].detail


def test_another_dataset_than_the_locks_fails(zoo: Path) -> None:
    rewrite_header(zoo, lock=lambda lock: lock["dataset"].update(digest="0" * 64))
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert failed(verdict) == ["dataset"]


def test_a_readable_spec_that_is_not_the_weights_fails(zoo: Path) -> None:
    path = zoo / NAME / "spec.yaml"
    path.write_text(path.read_text().replace("epochs: 10", "epochs: 11"))
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["spec.yaml"]
    path.unlink()
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["spec.yaml"]


def test_a_target_that_is_not_reproduced_fails(zoo: Path) -> None:
    def stricter(spec: Any) -> None:
        spec["targets"][0]["value"] = -90

    rewrite_header(zoo, spec=stricter)
    (zoo / NAME / "spec.yaml").unlink()
    verdict = vaezoo.verify(zoo / NAME, samples=1)
    assert failed(verdict) == ["spec.yaml", "target test/elbo"]
    assert "published -90 ± 0.6" in checked(verdict)["target test/elbo"].detail


@pytest.mark.parametrize("name", ["metrics.json", "history.jsonl"])
def test_a_file_that_is_no_json_fails(zoo: Path, name: str) -> None:
    (zoo / NAME / name).write_text("{")
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert name in verdict.checks[0].detail


def test_a_bound_with_few_draws_in_all_is_taken_as_it_was(zoo: Path) -> None:
    vaezoo.evaluate(NAME, zoo=zoo, importance_samples=4, record=True)
    for samples in (None, 2):
        exact = checked(vaezoo.verify(NAME, zoo=zoo, samples=samples))["test/iw_bound"]
        assert exact.passed, "figures recorded beyond those of the spec are taken again"
        assert "(4 samples)" in exact.detail
    rewrite(zoo, iw_bound=-103.0)
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=2)) == ["test/iw_bound"]


def test_a_bound_with_many_draws_is_estimated_when_fewer_are_asked_for(tmp_path: Path) -> None:
    name = "mnist_nvae2"
    shutil.copytree(find(name).path, tmp_path / name)
    good = checked(vaezoo.verify(name, zoo=tmp_path, samples=1))
    assert good["test/iw_bound"].passed
    assert "by 400 images (500 samples), recorded -131.7579" in good["test/iw_bound"].detail
    assert "as recorded with 500 samples" in good["target test/iw_bound"].detail
    path = tmp_path / name / "metrics.json"
    data = json.loads(path.read_text())
    for value in (-130.0, -133.5):
        for figure in data["figures"]:
            figure["value"] = value if figure["name"] == "iw_bound" else figure["value"]
        path.write_text(json.dumps(data))
        assert failed(vaezoo.verify(name, zoo=tmp_path, samples=1)) == ["test/iw_bound"]


def test_a_figure_on_another_split_is_taken_on_it(zoo: Path) -> None:
    vaezoo.evaluate(NAME, zoo=zoo, split="train", metrics=["active_units"], record=True)
    assert checked(vaezoo.verify(NAME, zoo=zoo, samples=1))["train/active_units"].passed
    path = zoo / NAME / "metrics.json"
    data = json.loads(path.read_text())
    data["figures"][-1]["value"] = 3.0
    path.write_text(json.dumps(data))
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["train/active_units"]


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


def test_after_a_bad_entry_the_others_are_still_looked_at(zoo: Path) -> None:
    shutil.copytree(zoo / NAME, zoo / "broken")
    (zoo / "broken" / "model.safetensors").write_bytes(b"no tensors")
    arguments = ["verify", "broken", NAME, "--zoo", str(zoo), "--samples", "1"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.return_value == 1
    assert "FAIL  weights and lock" in result.stdout
    assert "PASS  target test/elbo" in result.stdout
