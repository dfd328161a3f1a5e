"""``vaezoo verify``: what an entry says is held against its weights, whoever wrote it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import vaezoo
from tests.forging import reseal, rewrite_figures, rewrite_header, rewrite_json
from vaezoo.cli.commands import cli
from vaezoo.diagnostics import RunError
from vaezoo.evaluation.migrate import migrate
from vaezoo.evaluation.verify import Check, Verdict
from vaezoo.registry import Registry
from vaezoo.registry.discovery import Plugin, PluginSource
from vaezoo.system.yaml_writer import to_yaml
from vaezoo.zoo import find

NAME = "mnist_mlp20"


@pytest.fixture
def zoo(tmp_path: Path, current: Path) -> Path:
    """A zoo of one's own with a copy of a shipped entry."""
    shutil.copytree(current / NAME, tmp_path / "zoo" / NAME)
    return tmp_path / "zoo"


def checked(verdict: Verdict) -> dict[str, Check]:
    """The checks by what they looked at."""
    return {check.what: check for check in verdict.checks}


def failed(verdict: Verdict) -> list[str]:
    return [check.what for check in verdict.checks if check.passed is False]


def test_a_consistent_entry_passes(zoo: Path) -> None:
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert verdict.passed
    checked = [check.what for check in verdict.checks]
    assert checked == [
        "manifest.json",
        "weights",
        "lock",
        "dataset",
        "spec.yaml",
        "history.jsonl",
        "recorded targets",
        "notes",
        "test images",
        "README.md",
        "test/elbo",
        "test/reconstruction",
        "test/kl",
        "test/active_units",
        "target test/elbo",
    ]


def test_memory_that_runs_out_says_nothing_of_an_entry(zoo: Path) -> None:
    def load() -> None:
        raise RuntimeError("can't start new thread")

    registry = Registry()
    registry.offer(PluginSource(Plugin("vaezoo", vaezoo.__version__, "vaezoo.components"), load))
    with pytest.raises(RunError, match=r"VZ607.*the plugin vaezoo .*: RuntimeError: can't start"):
        vaezoo.verify(NAME, zoo=zoo, registry=registry)


def test_fewer_samples_still_pass(zoo: Path) -> None:
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert verdict.passed
    assert "(1 sample)" in checked(verdict)["test/elbo"].detail


@pytest.mark.slow
@pytest.mark.parametrize("samples", [None, 1])
def test_a_recorded_figure_that_is_not_the_models_fails(zoo: Path, samples: int | None) -> None:
    rewrite_figures(zoo / NAME, elbo=-105.3)
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=samples)
    assert "test/elbo" in failed(verdict)
    assert "recorded -105.3" in checked(verdict)["test/elbo"].detail


@pytest.mark.parametrize(
    "name", ["model.safetensors", "metrics.json", "history.jsonl", "README.md", "spec.yaml"]
)
def test_a_changed_file_is_named_and_no_figure_taken(zoo: Path, name: str) -> None:
    path = zoo / NAME / name
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == [name]
    assert "its SHA-256 is" in checked(verdict)[name].detail
    assert checked(verdict)["figures"].passed is None


def test_files_that_are_missing_or_were_added_are_named(zoo: Path) -> None:
    (zoo / NAME / "figures" / "samples.png").rename(zoo / NAME / "figures" / "other.png")
    (zoo / NAME / "README.md").unlink()
    (zoo / NAME / "README.md").symlink_to("/dev/zero")
    assert failed(vaezoo.verify(NAME, zoo=zoo)) == [
        "README.md",
        "figures/samples.png",
        "figures/other.png",
    ]


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text.replace("1", "2", 1)])
def test_a_manifest_that_was_changed_fails(zoo: Path, change: Callable[[str], str]) -> None:
    path = zoo / NAME / "manifest.json"
    path.write_text(change(path.read_text()))
    assert failed(vaezoo.verify(NAME, zoo=zoo)) == ["manifest.json"]


def test_an_entry_without_its_manifest_fails(zoo: Path) -> None:
    (zoo / NAME / "manifest.json").unlink()
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["manifest.json"]


def test_a_header_that_was_changed_is_refused(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    content = path.read_bytes()
    assert b"0.1.0" in content
    path.write_bytes(content.replace(b"0.1.0", b"0.1.1", 1))
    reseal(zoo / NAME)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert "its header was changed" in checked(verdict)["weights and lock"].detail


def test_weights_that_were_changed_are_refused(zoo: Path) -> None:
    path = zoo / NAME / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    reseal(zoo / NAME)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert "were changed after publishing" in checked(verdict)["weights and lock"].detail


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lock: lock.update(seed=7), "the lock has the seed 7, the spec 0"),
        (lambda lock: lock["dataset"].update(use="emnist"), "the lock has the dataset emnist"),
        (lambda lock: lock["components"].pop(1), "the encoder vaezoo:mlp did not train the model"),
        (lambda lock: lock["checked"]["components"].pop(1), "the spec has the encoder vaezoo:mlp"),
    ],
)
def test_a_lock_of_something_else_fails(zoo: Path, change: Callable[[Any], Any], said: str) -> None:
    rewrite_header(zoo / NAME, lock=change)
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert "lock" in failed(verdict)
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
    rewrite_header(zoo / NAME, lock=change)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert "the lock in" in checked(verdict)["weights and lock"].detail


@pytest.mark.slow
def test_another_dataset_than_the_locks_fails(zoo: Path) -> None:
    rewrite_header(zoo / NAME, lock=lambda lock: lock["dataset"].update(digest="0" * 64))
    verdict = vaezoo.verify(NAME, zoo=zoo, samples=1)
    assert failed(verdict) == ["dataset"]


@pytest.mark.slow
def test_a_readable_spec_that_is_not_the_weights_fails(zoo: Path) -> None:
    path = zoo / NAME / "spec.yaml"
    path.write_text(path.read_text().replace("epochs: 10", "epochs: 11"))
    reseal(zoo / NAME)
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["spec.yaml"]
    path.unlink()
    reseal(zoo / NAME)
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["spec.yaml"]


def test_a_target_that_is_not_reproduced_fails(zoo: Path) -> None:
    def stricter(spec: Any) -> None:
        spec["targets"][0]["value"] = -90

    rewrite_header(zoo / NAME, spec=stricter)
    verdict = vaezoo.verify(zoo / NAME, samples=1)
    assert failed(verdict) == ["spec.yaml", "recorded targets", "notes", "target test/elbo"]
    assert "published -90 ± 0.6" in checked(verdict)["target test/elbo"].detail


@pytest.mark.parametrize("name", ["metrics.json", "history.jsonl"])
def test_a_file_that_is_no_json_fails(zoo: Path, name: str) -> None:
    (zoo / NAME / name).write_text("{")
    reseal(zoo / NAME)
    verdict = vaezoo.verify(NAME, zoo=zoo)
    assert failed(verdict) == ["weights and lock"]
    assert name in checked(verdict)["weights and lock"].detail


def _set(data: Any, where: str, key: str, value: object) -> None:
    data[where][0][key] = value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda data: _set(data, "targets", "verdict", "better"), "recorded targets"),
        (lambda data: _set(data, "targets", "figure", -105.0), "recorded targets"),
        (lambda data: _set(data, "targets", "value", -107.0), "recorded targets"),
        (lambda data: _set(data, "targets", "source", "a better paper"), "recorded targets"),
        (lambda data: data.update(targets=[]), "recorded targets"),
        (lambda data: data.update(notes=["no note"]), "notes"),
        (lambda data: data.update(test_is_trained_on=True), "test images"),
        (lambda data: _set(data, "figures", "unit", "bits per pixel"), "test/elbo"),
        (lambda data: _set(data, "figures", "likelihood", "gaussian"), "test/elbo"),
        (lambda data: _set(data, "figures", "binarisation", "static"), "test/elbo"),
        (lambda data: _set(data, "figures", "examples", 60_000), "test/elbo"),
        (lambda data: data["figures"][-1].update(note="all of them"), "test/active_units"),
        (lambda data: _set(data, "figures", "standard_error", 0.01), "test/elbo"),
        (lambda data: data["figures"].pop(), "test/active_units"),
        (lambda data: data["figures"].append(data["figures"][0]), "test/elbo"),
        (
            lambda data: data["figures"].append({**data["figures"][0], "name": "bits"}),
            "test/bits",
        ),
    ],
)
def test_a_record_that_does_not_follow_from_the_weights_fails(
    zoo: Path, change: Callable[[Any], object], check: str
) -> None:
    rewrite_json(zoo / NAME, change)
    assert check in failed(vaezoo.verify(NAME, zoo=zoo, samples=1))


@pytest.mark.slow
def test_a_history_of_other_epochs_fails(zoo: Path) -> None:
    path = zoo / NAME / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for kept in ([], lines[:-1], [*lines, lines[-1]], lines[1:]):
        path.write_text("".join(kept))
        reseal(zoo / NAME)
        assert "history.jsonl" in failed(vaezoo.verify(NAME, zoo=zoo, samples=1))


def test_a_card_that_says_something_else_fails(zoo: Path) -> None:
    path = zoo / NAME / "README.md"
    path.write_text(path.read_text().replace("-105.59", "-95.59"))
    reseal(zoo / NAME)
    assert failed(vaezoo.verify(NAME, zoo=zoo, samples=1)) == ["README.md"]


@pytest.mark.slow
def test_a_bound_with_few_draws_is_recomputed_exactly(zoo: Path) -> None:
    vaezoo.evaluate(NAME, zoo=zoo, importance_samples=4, record=True)
    for samples in (None, 2):
        exact = checked(vaezoo.verify(NAME, zoo=zoo, samples=samples))["test/iw_bound"]
        assert exact.passed, "figures recorded beyond those of the spec are taken again"
        assert "(4 samples)" in exact.detail
    rewrite_figures(zoo / NAME, iw_bound=-103.0)
    assert "test/iw_bound" in failed(vaezoo.verify(NAME, zoo=zoo, samples=2))


@pytest.mark.slow
def test_a_bound_with_many_draws_is_estimated_when_fewer_are_asked_for(tmp_path: Path) -> None:
    name = "mnist_nvae2"
    shutil.copytree(find(name).path, tmp_path / name)
    target = {"metric": "test/iw_bound", "value": -131.5, "tolerance": 1, "source": "a test"}
    spec = tmp_path / "spec.yaml"
    spec.write_text(to_yaml({**find(name).spec_data, "targets": [target]}))
    migrate(name, zoo=tmp_path, spec=spec, samples=1)
    good = checked(vaezoo.verify(name, zoo=tmp_path, samples=1))
    assert good["test/iw_bound"].passed
    assert "by 400 images (500 samples), recorded -131.7579" in good["test/iw_bound"].detail
    assert "as recorded with 500 samples" in good["target test/iw_bound"].detail
    for value in (-130.0, -133.5):
        rewrite_figures(tmp_path / name, iw_bound=value)
        assert "test/iw_bound" in failed(vaezoo.verify(name, zoo=tmp_path, samples=1))
    rewrite_figures(tmp_path / name, iw_bound=-131.7579)

    def fewer(data: Any) -> None:
        next(f for f in data["figures"] if f["name"] == "iw_bound").update(samples=5000)

    rewrite_json(tmp_path / name, fewer)
    assert "test/iw_bound" in failed(vaezoo.verify(name, zoo=tmp_path, samples=1))


@pytest.mark.slow
def test_a_figure_on_another_split_is_taken_on_it(zoo: Path) -> None:
    vaezoo.evaluate(NAME, zoo=zoo, split="train", metrics=["active_units"], record=True)
    assert checked(vaezoo.verify(NAME, zoo=zoo, samples=1))["train/active_units"].passed

    def change(data: Any) -> None:
        data["figures"][-1]["value"] = 3.0

    rewrite_json(zoo / NAME, change)
    assert "train/active_units" in failed(vaezoo.verify(NAME, zoo=zoo, samples=1))


def test_the_command_exits_with_one_when_a_check_fails(zoo: Path) -> None:
    runner = CliRunner()
    arguments = ["verify", NAME, "--zoo", str(zoo), "--samples", "1"]
    good = runner.invoke(cli, arguments, standalone_mode=False)
    assert good.return_value == 0
    assert "PASS  target test/elbo" in good.stdout
    rewrite_figures(zoo / NAME, kl=20.0)
    bad = runner.invoke(cli, arguments, standalone_mode=False)
    assert bad.return_value == 1
    assert "FAIL  test/kl" in bad.stdout


def test_after_a_bad_entry_the_others_are_still_looked_at(zoo: Path) -> None:
    shutil.copytree(zoo / NAME, zoo / "broken")
    (zoo / "broken" / "model.safetensors").write_bytes(b"no tensors")
    arguments = ["verify", "broken", NAME, "--zoo", str(zoo), "--samples", "1"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.return_value == 1
    assert "FAIL  model.safetensors" in result.stdout
    assert "PASS  target test/elbo" in result.stdout
