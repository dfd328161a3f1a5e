"""``vaezoo zoo migrate``: an entry as this version writes it, by weights that stay as they are."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.forging import reseal, rewrite_figures
from tests.helpers import registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo.cli.context import Context
from vaezoo.cli.zoo import command as zoo_command
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.evaluation.evaluate_entry import evaluate
from vaezoo.evaluation.migrate import migrate
from vaezoo.evaluation.verify import verify
from vaezoo.registry import Registry
from vaezoo.runs.run import run
from vaezoo.spec import from_data
from vaezoo.system import safetensors_io
from vaezoo.zoo import Entry
from vaezoo.zoo.atomic_replace import Swap
from vaezoo.zoo.header import SEAL
from vaezoo.zoo.plugin_drift import drift

METRICS = [{"use": "elbo", "samples": 2}, "active_units"]
TARGET = {"metric": "test/elbo", "value": -30.0, "tolerance": 30.0, "source": "a paper"}
PARTS: dict[str, Any] = {
    "metrics": METRICS,
    "targets": [TARGET],
    "visualizers": [{"use": "samples", "n": 4}],
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_with(Blobs)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    before = pytest.MonkeyPatch()
    with before.context() as patch:
        patch.chdir(folder)
        data = spec_data(
            metrics=METRICS, targets=[TARGET], visualizers=[{"use": "samples", "n": 4}]
        )
        spec = from_data(data, registry)
        return run(spec, zoo=folder / "zoo", registry=registry, device="cpu").path.absolute()


@pytest.fixture
def old(tmp_path: Path, trained: Path) -> Path:
    """The entry as the first version wrote it."""
    folder = tmp_path / "zoo" / "small"
    shutil.copytree(trained, folder)
    as_first_written(folder)
    return folder


def as_first_written(folder: Path) -> None:
    """Bring an entry back to the form that the first version gave it."""
    tensors, texts = safetensors_io.load(folder / "model.safetensors")
    del texts[SEAL]
    safetensors_io.save(folder / "model.safetensors", tensors, {**texts, "format": "vaezoo 1"})
    (folder / "manifest.json").unlink()
    data = json.loads((folder / "metrics.json").read_text())
    for target in data["targets"]:
        for key in ("better", "verdict", "note"):
            del target[key]
        target["reached"] = True
    (folder / "metrics.json").write_text(json.dumps(data))


def written(path: Path, **changes: Any) -> Path:
    """A spec file of the entry, with changes."""
    path.write_text(json.dumps(spec_data(**PARTS) | changes))
    return path


def refusal(old: Path, registry: Registry, **options: Any) -> str:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    with pytest.raises((UsageError, ZooError)) as caught:
        migrate(old, registry=registry, **options)
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before
    return caught.value.diagnostics[0].message


def test_an_old_entry_becomes_a_sealed_one_with_the_same_numbers(
    old: Path, trained: Path, registry: Registry
) -> None:
    assert not Entry(old, "small").is_sealed
    migrated = migrate(old, registry=registry)
    assert (migrated.changed, migrated.taken, migrated.estimated, migrated.added) == (True, 4, 0, 0)
    entry, origin = Entry(old, "small"), Entry(trained, "small")
    assert verify(old, registry=registry).passed
    assert entry.metrics == origin.metrics
    assert entry.history == origin.history
    for same in ("digest", "spec"):
        assert entry.header[same] == origin.header[same]
    for name in ("history.jsonl", "spec.yaml", "metrics.json", "figures/samples.png"):
        assert (old / name).read_bytes() == (trained / name).read_bytes()
    assert len(list((old.parent / ".previous").iterdir())) == 1


def test_what_was_migrated_is_up_to_date(old: Path, registry: Registry) -> None:
    migrate(old, registry=registry)
    manifest = (old / "manifest.json").read_bytes()
    assert not migrate(old, registry=registry).changed
    assert (old / "manifest.json").read_bytes() == manifest


def test_the_lock_tells_training_from_checking(
    old: Path, trained: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaezoo.zoo.lock.source_of", lambda component: ("new.py", "1" * 64))
    monkeypatch.setattr("vaezoo.zoo.plugin_drift.source_of", lambda component: ("new.py", "1" * 64))
    assert any(drift(Entry(old, "small").lock, registry, "small"))
    migrate(old, registry=registry)
    lock = Entry(old, "small").lock
    assert lock["components"] == Entry(trained, "small").lock["components"]
    assert {row["sha256"] for row in lock["checked"]["components"]} == {"1" * 64}
    assert not any(drift(lock, registry, "small"))
    assert "Figures: recomputed and confirmed by" in (old / "README.md").read_text()


@pytest.mark.slow
def test_a_spec_gives_name_figures_targets_and_pictures(old: Path, registry: Registry) -> None:
    path = written(
        old.parent / "new.json",
        name="renamed",
        summary="another",
        metrics=[*METRICS, "entropy_floor"],
        targets=[TARGET | {"value": -500.0, "note": "it is another dataset"}],
        visualizers=["loss_curves"],
    )
    migrated = migrate(old, spec=path, registry=registry)
    assert migrated.added == 1
    entry = migrated.entry
    assert (entry.name, entry.spec_data["summary"]) == ("renamed", "another")
    assert [figure.name for figure in entry.metrics.figures][-1] == "entropy_floor"
    [target] = entry.metrics.targets
    assert (target["verdict"], target["note"]) == ("better", "it is another dataset")
    assert [path.name for path in entry.figures] == ["loss_curves.png"]
    assert not old.exists()
    assert verify(entry.path, registry=registry).passed
    assert len(list((old.parent / ".previous").iterdir())) == 1


def test_a_metric_with_other_parameters_is_taken_in_full(old: Path, registry: Registry) -> None:
    metrics = [{"use": "elbo", "samples": 5}, "active_units"]
    path = written(old.parent / "new.json", metrics=metrics)
    migrated = migrate(old, spec=path, samples=1, registry=registry)
    figure = migrated.entry.metrics.figure("test/elbo")
    assert figure is not None
    assert figure.samples == 5
    assert verify(old, registry=registry).passed


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"train": {"epochs": 3, "batch_size": 8, "validation": 0.25}}, "train.batch_size"),
        ({"train": {"epochs": 4, "batch_size": 16, "validation": 0.25}}, "train.epochs"),
        ({"loss": {"use": "elbo", "beta": 2.0}}, "loss.beta"),
        ({"publish": {"weights": "float16"}}, "publish.weights"),
    ],
)
def test_a_spec_of_another_training_is_refused(
    old: Path, registry: Registry, changes: dict[str, Any], named: str
) -> None:
    path = written(old.parent / "new.json", **changes)
    assert f"{named} differs" in refusal(old, registry, spec=path)


def test_a_figure_that_cannot_be_confirmed_is_rejected(old: Path, registry: Registry) -> None:
    data = json.loads((old / "metrics.json").read_text())
    data["figures"][0]["value"] += 1.0
    (old / "metrics.json").write_text(json.dumps(data))
    assert "test/elbo" in refusal(old, registry)


def test_a_history_of_other_epochs_is_refused(old: Path, registry: Registry) -> None:
    lines = (old / "history.jsonl").read_text().splitlines(keepends=True)
    (old / "history.jsonl").write_text("".join(lines[:-1]))
    assert "history.jsonl" in refusal(old, registry)


def test_a_sealed_entry_that_was_changed_is_refused(old: Path, registry: Registry) -> None:
    migrate(old, registry=registry)
    rewrite_figures(old, elbo=-1.0)
    reseal(old)
    assert "recorded -1.0000" in refusal(old, registry)
    with (old / "history.jsonl").open("a") as file:
        file.write("\n")
    assert "history.jsonl" in refusal(old, registry)


def test_the_name_of_another_entry_is_refused(old: Path, registry: Registry) -> None:
    shutil.copytree(old, old.with_name("other"))
    path = written(old.parent / "new.json", name="other")
    assert "other is another entry" in refusal(old, registry, spec=path)


def test_a_folder_renamed_by_hand_is_migrated(old: Path, registry: Registry) -> None:
    moved = old.rename(old.with_name("moved"))
    path = written(old.parent / "new.json", name="moved")
    entry = migrate(moved, spec=path, registry=registry).entry
    assert (entry.path, entry.spec_data["name"]) == (moved, "moved")


def test_the_command_continues_after_a_rejected_entry(old: Path, registry: Registry) -> None:
    bad = old.with_name("bad")
    shutil.copytree(old, bad)
    context = Context()
    context.__dict__["registry"] = registry
    arguments = ["migrate", "--all", "--zoo", str(old.parent), "--device", "cpu"]
    result = CliRunner().invoke(zoo_command, arguments, obj=context, standalone_mode=False)
    assert result.return_value == 1
    assert "bad: rejected: " in result.stderr
    assert f"small: 4 figures confirmed → {old}" in result.stdout


def test_fresh_runs_have_nothing_checked(trained: Path) -> None:
    assert "checked" not in Entry(trained, "small").lock


def test_figures_beyond_those_of_the_spec_are_kept(old: Path, registry: Registry) -> None:
    migrate(old, registry=registry)
    evaluate(old, split="train", metrics=["active_units"], record=True, registry=registry)
    as_first_written(old)
    assert migrate(old, registry=registry).taken == 5
    assert Entry(old, "small").metrics.figure("train/active_units")


def test_a_replaced_entry_is_refused(old: Path, registry: Registry) -> None:
    migrate(old, registry=registry)
    (replaced,) = (old.parent / ".previous").iterdir()
    assert "is a replaced entry" in refusal(replaced, registry)
    assert not (old.parent / ".previous" / ".previous").exists()


def test_an_exchange_that_a_kill_interrupted_is_completed_first(
    old: Path, registry: Registry
) -> None:
    """Without an atomic exchange, a kill between its two renames leaves the name without entry."""
    migrate(old, registry=registry)
    zoo = old.parent
    kept = zoo / ".previous" / "small-20260101-000000"
    new = zoo / ".staging" / "small-abcdefgh"
    shutil.copytree(old, new)
    old.rename(kept)
    swap = Swap(
        "small",
        new=".staging/small-abcdefgh",
        kept=".previous/small-20260101-000000",
        number=new.stat().st_ino,
        command="publish",
    )
    (zoo / ".staging" / "small.swap").write_text(json.dumps(dataclasses.asdict(swap)))
    assert not migrate("small", zoo=zoo, registry=registry).changed
    assert old.is_dir()
    assert kept.is_dir()
    assert not list((zoo / ".staging").iterdir())
