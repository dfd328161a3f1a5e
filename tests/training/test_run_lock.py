"""A run uses and removes only folders that vaezoo created, never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import registry_with, small_spec
from tests.runs.blobs_plugin import Blobs
from vaezoo.diagnostics import RunError
from vaezoo.runs.run import run
from vaezoo.runs.run_folder import run_folder
from vaezoo.system.folders import InTheWay
from vaezoo.training import claimed
from vaezoo.training.checkpoint import FILE
from vaezoo.training.run_lock import LOCK, MARK, remove_run_folder

NAME = "small-0123abcd"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    folder = tmp_path / "precious"
    folder.mkdir()
    for name in ("thesis.tex", FILE, LOCK, "a.finished"):
        (folder / name).write_text("precious")
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("fresh", [True, False])
def test_a_link_is_not_used_as_run_folder(tmp_path: Path, precious: Path, fresh: bool) -> None:
    folder, before = tmp_path / NAME, contents(precious)
    folder.symlink_to(precious)
    with (
        pytest.raises(RunError, match=r"VZ503.*it is a link to(.|\n)*remove the link"),
        claimed(folder, fresh=fresh),
    ):
        pass
    with pytest.raises(InTheWay):
        remove_run_folder(folder)
    assert contents(precious) == before


@pytest.mark.parametrize("fresh", [True, False])
def test_a_folder_with_other_files_is_not_used(precious: Path, fresh: bool) -> None:
    before = contents(precious)
    with (
        pytest.raises(RunError, match=r"VZ503.*it contains thesis\.tex(.|\n)*move"),
        claimed(precious, fresh=fresh),
    ):
        pass
    with pytest.raises(InTheWay):
        remove_run_folder(precious.rename(precious.with_name(NAME)))
    assert contents(precious.with_name(NAME)) == before


def test_a_mark_must_not_be_a_link(tmp_path: Path, precious: Path) -> None:
    (tmp_path / "mark").write_text("mark")
    (precious / MARK).symlink_to(tmp_path / "mark")
    with pytest.raises(RunError, match="VZ503"), claimed(precious, fresh=True):
        pass
    assert (precious / "thesis.tex").exists()


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_the_lock_is_a_regular_file(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    if kind == "link":
        (folder / LOCK).symlink_to(tmp_path / "made by a lock")
    else:
        os.mkfifo(folder / LOCK)
    with pytest.raises(RunError, match=r"VZ503.*not a regular file"), claimed(folder):
        pass
    assert not (tmp_path / "made by a lock").exists()


def test_files_of_plugins_are_removed_with_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    with claimed(folder):
        (folder / "journal").mkdir()
        (folder / "journal" / "epoch").write_text("1")
    with claimed(folder, fresh=True):
        assert sorted(path.name for path in folder.iterdir()) == [MARK, LOCK]
        (folder / "journal").symlink_to(tmp_path)
        remove_run_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_an_older_version_is_used(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / LOCK).touch()
    (folder / FILE).write_text("a checkpoint")
    with claimed(folder):
        assert (folder / FILE).exists()
        remove_run_folder(folder)
    assert not folder.exists()


def test_a_lock_does_not_wait_for_a_folder_being_removed(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    with claimed(folder):
        remove_run_folder(folder)
        with claimed(folder):  # the next run does not hold the lock that is gone
            assert (folder / LOCK).exists()


def test_a_run_next_to_links_changes_only_its_own_folder(
    tmp_path: Path, precious: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = contents(precious)
    (tmp_path / "runs").symlink_to(precious)  # a place for runs on another disk
    spec = small_spec(train={"epochs": 1}, metrics=["active_units"])
    assert run(spec, registry=registry_with(Blobs), device="cpu", compile="off").load(
        registry_with(Blobs)
    )
    assert contents(precious) == before
    run_folder(spec).symlink_to(precious)
    for fresh in (True, False):
        with pytest.raises(RunError, match=r"VZ503.*it is a link to"):
            run(spec, registry=registry_with(Blobs), device="cpu", compile="off", fresh=fresh)
    run_folder(spec).unlink()
    assert contents(precious) == before
