"""What a worker makes of a task, wherever it is."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import small_spec
from tests.runs.blobs_plugin import __file__ as PLUGIN
from vaezoo.runs.ray.status import read_status
from vaezoo.runs.ray.status_observer import StatusObserver
from vaezoo.runs.ray.task import MARK, Task, TaskEnvironment, perform, status_file
from vaezoo.zoo import Entry


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """A member's run in an empty folder."""
    sweep = tmp_path / "runs" / "small-sweep"
    sweep.mkdir(parents=True)
    (sweep / MARK).write_text("mine")
    environment = TaskEnvironment(
        folder=str(tmp_path),
        sweep="runs/small-sweep",
        mark="mine",
        zoo="zoo",
        plugins=(PLUGIN,),
        disabled=(),
        variables={"VAEZOO_CACHE": str(tmp_path / "cache")},
    )
    return Task(small_spec().canonical(), "cpu", 1, "auto", environment)


def test_a_task_trains_in_the_commands_folder_and_writes_its_status(
    task: Task, tmp_path: Path
) -> None:
    before = Path.cwd(), dict(os.environ)
    result = perform(task)
    assert result.errors == ()
    assert (Path.cwd(), dict(os.environ)) == before
    assert Entry(tmp_path / "zoo" / "small", "small").metrics.figure("test/elbo")
    assert (tmp_path / "runs" / "small-sweep" / "small.finished").exists()
    status = read_status(status_file(tmp_path / "runs" / "small-sweep", "small"))
    assert status
    assert (status.epochs_done, status.epochs, status.threads, status.device) == (3, 3, 1, "cpu")
    assert status.images == 72
    assert status.execution.startswith("eager steps (")
    assert status.part_done == 1.0
    assert status.doing == "computing test figures"
    assert set(status.last) >= {"objective", "reconstruction", "kl"}


def test_another_version_is_refused(task: Task) -> None:
    environment = dataclasses.replace(task.environment, version="9.9.9")
    (told,) = perform(dataclasses.replace(task, environment=environment)).errors
    assert told.code == "VZ610"
    assert "the command has 9.9.9" in told.message
    assert "vaezoo[ray]==9.9.9" in str(told.hint)


@pytest.mark.parametrize("change", [{"folder": "/nowhere"}, {"mark": "another's"}])
def test_another_folder_is_refused(task: Task, change: dict[str, Any]) -> None:
    environment = dataclasses.replace(task.environment, **change)
    (told,) = perform(dataclasses.replace(task, environment=environment)).errors
    assert told.code == "VZ610"
    assert f"does not see the folder {environment.folder}" in told.message
    assert "all machines of the cluster" in str(told.hint)


def test_a_missing_plugin_is_reported(task: Task) -> None:
    environment = dataclasses.replace(task.environment, plugins=())
    (told,) = perform(dataclasses.replace(task, environment=environment)).errors
    assert told.code == "VZ301"
    assert "blobs" in told.message


def test_an_unreadable_status_is_none(tmp_path: Path) -> None:
    assert read_status(tmp_path / "none") is None
    for text in ("", "[]", '{"unknown": 1, "warnings": []}', '{"doing": "training"}'):
        (tmp_path / "half").write_text(text)
        assert read_status(tmp_path / "half") is None


def test_a_run_continues_without_a_status_file(tmp_path: Path) -> None:
    observer = StatusObserver(tmp_path / "no such folder" / "small.status")
    observer.drawing("samples")
    observer.warned("a word")
    assert not list(tmp_path.iterdir())
