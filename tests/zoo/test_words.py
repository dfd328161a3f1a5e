"""Hints name an entry so that the next command finds it; ~ is a home in every path."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from vaezoo.diagnostics import UsageError
from vaezoo.system.files import cache_folder, expanded
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.search import find, own_folder, search_folders, words_for, zoo_option


def test_a_name_is_enough_if_it_finds_the_entry(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = publisher()
    assert words_for(entry) == "tiny"
    assert zoo_option(entry.path.parent) == ""
    monkeypatch.setenv("VAEZOO_ZOO", str(entry.path.parent.absolute()))
    assert words_for(entry) == "tiny"


def test_another_zoo_is_named_as_a_shell_reads_it(publisher: Any) -> None:
    other = Path("other zoo")
    publisher().path.parent.rename(other)
    entry = Entry(other / "tiny", "tiny")
    assert words_for(entry) == "tiny --zoo 'other zoo'"
    assert zoo_option(other) == " --zoo 'other zoo'"
    assert words_for(Entry(other / "tiny" / "model.safetensors", "tiny")).endswith("safetensors'")


def found_by(words: str) -> list[Entry]:
    """The entries that a command with these arguments finds."""
    *names, zoo = shlex.split(words.replace(" --zoo ", " ") if "--zoo" in words else f"{words} zoo")
    return [find(name, zoo=zoo if "--zoo" in words else None) for name in names]


def test_several_entries_are_found_by_one_zoo_or_by_paths(publisher: Any) -> None:
    here = publisher()
    for folder in ("other zoo/tiny", "other zoo/small", "third/large"):
        shutil.copytree(here.path, folder)
    tiny, small, large = (
        Entry(Path(*path), path[1])
        for path in (("other zoo", "tiny"), ("other zoo", "small"), ("third", "large"))
    )
    assert words_for(here, here) == "tiny tiny"
    assert words_for(tiny, small) == "tiny small --zoo 'other zoo'"
    assert words_for(here, large) == "tiny large --zoo third"
    assert words_for(here, small) == "zoo/tiny small --zoo 'other zoo'"  # not the other tiny
    assert words_for(small, large) == "'other zoo/small' third/large"
    for several in ((here, here), (tiny, small), (here, large), (here, small)):
        found = found_by(words_for(*several))
        assert [one.path.resolve() for one in found] == [one.path.resolve() for one in several]


def test_a_home_is_expanded_in_options_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zoo").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VAEZOO_ZOO", "~/zoo")
    monkeypatch.setenv("VAEZOO_CACHE", "~/cache")
    assert own_folder() == tmp_path / "zoo"
    assert own_folder("~/mine") == tmp_path / "mine"
    assert search_folders()[0] == tmp_path / "zoo"
    assert cache_folder() == tmp_path / "cache"
    with pytest.raises(UsageError, match=str(tmp_path)):
        find("~/zoo/none")


def test_a_missing_home_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no user 'nobody-there'"):
        own_folder("~nobody-there/zoo")
    Path("~nobody-there").mkdir()  # a folder of that very name
    assert expanded("~nobody-there") == Path("~nobody-there")


def test_names_of_any_length_are_only_unknown(publisher: Any) -> None:
    publisher()
    for name in ("n" * 300, f"{'n' * 300}.safetensors", f"./{'n' * 300}"):
        with pytest.raises(UsageError, match="VZ501"):
            find(name)
