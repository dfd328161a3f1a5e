"""Where a name is found, and what is said when it is not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from vaezoo.diagnostics import DiagnosticWarning, UsageError, ZooError
from vaezoo.zoo import BrokenEntry, Entry, entries, find, search


@pytest.fixture
def four(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """``tiny`` in every place that is searched."""
    folders = {name: Path(name) for name in ("given", "environment", "zoo", "shipped")}
    for folder in folders.values():
        publisher(zoo=folder)
    monkeypatch.setenv("VAEZOO_ZOO", "environment")
    monkeypatch.setattr(search, "shipped_folder", lambda: folders["shipped"])
    return folders


def test_search_order(four: dict[str, Path]) -> None:
    for name, folder in four.items():
        zoo = "given" if name == "given" else None
        assert find("tiny", zoo=zoo).path == folder / "tiny"
        shutil.rmtree(folder / "tiny")
    with pytest.raises(UsageError, match=r"VZ501(.|\n)*searched given, environment, zoo, shipped"):
        find("tiny", zoo="given")


def test_a_given_folder_is_searched_first_and_once(
    four: dict[str, Path],
) -> None:
    assert find("tiny", zoo="shipped").path == Path("shipped/tiny")
    assert search.search_folders("shipped")[0] == Path("shipped")
    assert len(search.search_folders("shipped")) == 3


def test_entries_come_once_and_sorted(four: dict[str, Path], publisher: Any) -> None:
    publisher(name="a", zoo="shipped")
    listed = [(entry.name, str(entry.path)) for entry in entries("given")]
    assert listed == [("a", "shipped/a"), ("tiny", "given/tiny")]


def test_broken_folders_harm_only_themselves(publisher: Any) -> None:
    publisher()
    publisher()  # leaves a predecessor, which is no entry
    shutil.copytree("zoo/tiny", "zoo/cut")
    Path("zoo/cut/model.safetensors").write_bytes(b"cut")
    Path("zoo/empty").mkdir()
    Path("zoo/notes.txt").write_text("not a folder")
    found = {entry.name: entry for entry in entries() if str(entry.path).startswith("zoo")}
    assert sorted(found) == ["cut", "empty", "tiny"]
    assert isinstance(found["tiny"], Entry)
    for name in ("cut", "empty"):
        broken = found[name]
        assert isinstance(broken, BrokenEntry)
        assert broken.problem.code == "VZ502"
        with pytest.raises(ZooError, match="VZ502"):
            find(name).load()


@pytest.mark.parametrize("name", ["tinny", "Tiny", "TINY"])
def test_nearly_right_name_gets_a_suggestion(publisher: Any, name: str) -> None:
    publisher()
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        find(name)


@pytest.mark.parametrize("name", ["", ".previous", "nothing/there", "no.safetensors"])
def test_what_is_not_there(publisher: Any, name: str) -> None:
    publisher()
    with pytest.raises(UsageError, match="VZ501"):
        find(name)


def test_zoo_that_is_not_there(registry: Any) -> None:
    with pytest.raises(UsageError, match="VZ501: no zoo folder nowhere"):
        find("tiny", zoo="nowhere")


def test_paths(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher()
    for path in ("zoo/tiny", Path("zoo/tiny"), "zoo/tiny/", "zoo/tiny/model.safetensors"):
        assert find(path).name == "tiny"
        assert find(path).load()
    monkeypatch.chdir("zoo")
    assert find("tiny").load()
    monkeypatch.chdir("tiny")
    assert find(".").name == "tiny"


def test_an_entry_is_found_by_the_name_that_it_had_before(publisher: Any) -> None:
    publisher()
    Path("zoo/renamed.json").write_text('{"small": "tiny", "gone": "nowhere", "tiny": "tiny"}')
    for old in ("small", "zoo/small", Path("zoo/small")):
        with pytest.warns(DiagnosticWarning, match="VZ505.*small was renamed to tiny"):
            entry = find(old)
        assert (entry.path, entry.name) == (Path("zoo/tiny"), "tiny")
    assert find("tiny").name == "tiny"
    with pytest.raises(UsageError, match="VZ501"):
        find("gone")
    publisher(name="small")
    assert find("small").name == "small"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"small": 1}'])
def test_a_damaged_list_of_old_names_harms_only_itself(publisher: Any, content: bytes) -> None:
    publisher()
    Path("zoo/renamed.json").write_bytes(content)
    assert find("tiny").name == "tiny"
    with (
        pytest.warns(DiagnosticWarning, match="VZ502.*renamed.json is not a mapping"),
        pytest.raises(UsageError, match="VZ501"),
    ):
        find("small")


def test_an_irregular_file_of_old_names_does_not_block(publisher: Any) -> None:
    publisher()
    os.mkfifo("zoo/renamed.json")
    with (
        pytest.warns(DiagnosticWarning, match="VZ502.*renamed.json is not a mapping"),
        pytest.raises(UsageError, match="VZ501"),
    ):
        find("small")
