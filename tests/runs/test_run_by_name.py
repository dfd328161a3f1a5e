"""Runs of entries by name and of spec objects, and hints in their summaries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import vaezoo
from tests.helpers import registry_with, small_spec
from tests.runs.blobs_plugin import Blobs
from tests.runs.shell import Shell
from vaezoo.cli.run_progress import Clock, LiveProgress, summarize
from vaezoo.diagnostics import SpecError
from vaezoo.zoo import find
from vaezoo.zoo.spec_lookup import diff, look_up, overridden


def test_an_entry_is_trained_by_name(shell: Shell) -> None:
    shell.run(shell.write(train={"epochs": 1}))
    before = (shell.folder / "zoo" / "small" / "model.safetensors").read_bytes()
    shown = shell.inside("show", "small").out
    (shell.folder / "spec.yaml").unlink()
    done = shell.run("small")
    assert "'vaezoo zoo restore small' restores it" in done.out
    assert (shell.folder / "zoo" / "small" / "model.safetensors").read_bytes() == before
    assert shell.inside("show", "small").out == shown
    assert shell.run("small", "--set", "name=other", "--zoo", "new one").out.splitlines()[-1] == (
        "next: vaezoo sample other --zoo 'new one' --n 50"
    )


def test_a_shipped_entry_has_the_spec_that_show_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = look_up("fashion_mlp2").only("fashion_mlp2")
    assert spec.canonical() == find("fashion_mlp2").spec_data


def test_overrides_of_a_spec_object_are_applied() -> None:
    registry, spec = registry_with(Blobs), small_spec()
    changed = overridden(spec, ["train.seed=7", "loss.beta=2"], registry)
    assert (changed.train.seed, changed.loss.beta) == (7, 2.0)  # type: ignore[attr-defined]
    assert spec.train.seed == 0
    assert overridden(spec, [], registry) is spec
    found = diff(spec, spec, overrides=["train.seed=7"], registry=registry)
    assert [change.path for change in found.changes] == ["train.seed"]
    with pytest.raises(SpecError, match=r"VZ204|VZ203"):
        overridden(spec, ["train.epochs=none"], registry)


def test_run_applies_overrides_to_a_spec_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    registry, spec = registry_with(Blobs), small_spec()
    entry = vaezoo.run(spec, overrides=["train.epochs=1"], registry=registry, device="cpu")
    assert len(entry.history) == 1


def test_overrides_of_a_reading_are_refused() -> None:
    registry = registry_with(Blobs)
    reading = look_up("fashion_mlp2")
    with pytest.raises(TypeError, match="overrides need the file of a spec"):
        vaezoo.sweep(reading, overrides=["train.seed=1"], registry=registry)


def test_hiding_a_shipped_entry_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    registry, spec = registry_with(Blobs), small_spec(name="fashion_mlp2", train={"epochs": 1})
    entry = vaezoo.run(spec, registry=registry, device="cpu")
    (note,) = [line for line in summarize(entry) if "ships with vaezoo" in line]
    assert "removing zoo/fashion_mlp2 brings it back" in note
    shipped = note.split("'")[1].removeprefix("vaezoo zoo show ")
    assert os.path.samefile(shipped, vaezoo.zoo.search.shipped_folder() / "fashion_mlp2")
    elsewhere = vaezoo.run(spec, registry=registry, device="cpu", zoo=tmp_path / "elsewhere")
    monkeypatch.chdir("elsewhere")  # here the bare name is the shipped entry
    assert not [line for line in summarize(elsewhere) if "ships with vaezoo" in line]


def test_the_time_left_excludes_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("vaezoo.cli.run_progress.time.monotonic", lambda: now)
    clock = Clock(0, 10)
    now = 100.0  # compiling
    clock.restart()
    now = 102.0
    assert clock.left(1) == pytest.approx(18.0)


def test_a_finished_run_shows_no_epoch_beyond_the_last() -> None:
    from vaezoo.model import build

    spec = small_spec(train={"epochs": 2})
    live = LiveProgress()
    live.started(spec, build(spec), 2, 72)
    assert live._bar.tasks[0].description == "epoch 2/2"
