"""An export appears whole or not at all, and replaces only an unchanged earlier export."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vaezoo.diagnostics import VaezooError
from vaezoo.exports.export_folder import RECORD, check_destination, new_folder, write_record


def make(path: Path, content: str = "one", *, force: bool = False) -> None:
    with new_folder(path, force=force) as staged:
        (staged / "encoder.onnx").write_text(content)
        write_record(staged, {"name": "tiny"})


def refused(path: Path, reason: str, *, force: bool = True) -> None:
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(VaezooError, match=reason) as caught:
        make(path, "two", force=force)
    assert (caught.value.exit_code, caught.value.diagnostics[0].code) == (3, "VZ503")
    assert sorted(path.parent.rglob("*")) == before
    with pytest.raises(VaezooError, match=reason):
        check_destination(path, force=force)


def test_a_new_folder_has_all_files(folder: Path) -> None:
    make(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.onnx", RECORD]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_failure_leaves_nothing(folder: Path) -> None:
    def fail(staged: Path) -> None:
        (staged / "encoder.onnx").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), new_folder(folder, force=False) as staged:
        fail(staged)
    assert list(folder.parent.iterdir()) == []


def test_a_failure_keeps_the_earlier_export(folder: Path) -> None:
    make(folder)
    with pytest.raises(ZeroDivisionError), new_folder(folder, force=True):
        raise ZeroDivisionError
    assert (folder / "encoder.onnx").read_text() == "one"
    assert list(folder.parent.iterdir()) == [folder]


def test_force_replaces_an_earlier_export(folder: Path) -> None:
    make(folder)
    refused(folder, "it exists", force=False)
    make(folder, "two", force=True)
    assert (folder / "encoder.onnx").read_text() == "two"
    assert list(folder.parent.iterdir()) == [folder]


def _add(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def _change(folder: Path) -> None:
    (folder / "encoder.onnx").write_text("mine")


def _link_file(folder: Path) -> None:
    (folder / "encoder.onnx").unlink()
    (folder / "encoder.onnx").symlink_to(folder / RECORD)


def _remove_record(folder: Path) -> None:
    (folder / RECORD).unlink()


def _spoil_record(folder: Path) -> None:
    (folder / RECORD).write_text('{"files": 3}')


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_add, "files of others: notes.txt"),
        (_change, "encoder.onnx was changed"),
        (_link_file, "encoder.onnx cannot be read"),
        (_remove_record, "not an export"),
        (_spoil_record, "cannot be read"),
    ],
)
def test_force_keeps_what_is_not_an_unchanged_export(
    folder: Path, change: Callable[[Path], None], reason: str
) -> None:
    make(folder)
    change(folder)
    refused(folder, reason)


def test_links_and_files_are_refused(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    make(elsewhere)
    folder.symlink_to(elsewhere)
    refused(folder, "it is a link")
    folder.unlink()
    folder.symlink_to(folder.parent / "nowhere")
    refused(folder, "it is a link")
    folder.unlink()
    folder.write_text("a file")
    refused(folder, "not a folder")
    folder.unlink()
    os.mkfifo(folder)
    refused(folder, "not a folder")


def test_an_empty_folder_is_replaced_with_force(folder: Path) -> None:
    folder.mkdir()
    refused(folder, "it exists", force=False)
    make(folder, force=True)
    assert (folder / RECORD).is_file()


@pytest.mark.parametrize("name", ["missing/out", "a\0b"])
def test_an_impossible_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VaezooError, match="VZ503"):
        make(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_appears_meanwhile_is_kept(folder: Path) -> None:
    def appear() -> None:
        with new_folder(folder, force=False):
            folder.mkdir()
            (folder / "mine").touch()

    with pytest.raises(VaezooError, match="it exists"):
        appear()
    assert [path.name for path in folder.iterdir()] == ["mine"]
    assert list(folder.parent.iterdir()) == [folder]
