"""Links that a repository may bring along lead no command to other people's files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.parts import PARTS, Publisher, registry_of
from vaezoo.diagnostics import ZooError
from vaezoo.zoo import find
from vaezoo.zoo.add_metrics import amend
from vaezoo.zoo.predecessors import kept_path, predecessors
from vaezoo.zoo.publish import writable
from vaezoo.zoo.restore import prunable, prune, restore

ZOO = Path("zoo")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with an entry that was published three times, to be copied."""
    folder = tmp_path_factory.mktemp("published") / "zoo"
    publisher = Publisher(registry_of(*PARTS))
    for seed in range(3):
        publisher(seed=seed, zoo=folder)
    return folder


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of someone else, which looks like what vaezoo would delete or take for an entry."""
    folder = tmp_path / "precious"
    for name in ("README.md", "thesis.tex", "tiny-20200101-000000/README.md", "tiny-abcdefgh/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


COMMANDS: dict[str, Callable[[Any], object]] = {
    "publish": lambda publisher: publisher(seed=9),
    "restore": lambda publisher: restore("tiny"),
    "prune": lambda publisher: prune(prunable()),
    "record": lambda publisher: amend(find("tiny"), lambda entry: entry.metrics),
    "before a run": lambda publisher: writable(None, "tiny"),
}


def to_link(path: Path, target: Path) -> None:
    if path.exists() or path.is_symlink():
        shutil.rmtree(path)
    path.symlink_to(target)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", [".staging", ".previous", "tiny", "newest"])
def test_a_link_in_a_zoo_is_refused_and_its_target_untouched(
    publisher: Any, published: Path, precious: Path, command: str, place: str
) -> None:
    shutil.copytree(published, ZOO)
    path = predecessors(ZOO)[0].path if place == "newest" else ZOO / place
    to_link(path, precious)
    before = contents(precious)
    harmless = {
        ("newest", "before a run"),  # a publish is what would come upon it
        (".previous", "record"),  # keeps nothing there
        ("newest", "record"),
        ("tiny", "prune"),
    }
    if (place, command) in harmless:
        COMMANDS[command](publisher)
    elif (place, command) == ("tiny", "record"):
        with pytest.raises(ZooError, match="VZ50"):  # the target is no entry
            COMMANDS[command](publisher)
    else:
        with pytest.raises(ZooError, match=r"VZ503.*it is a link to(.|\n)*remove the link"):
            COMMANDS[command](publisher)
    assert contents(precious) == before
    assert path.is_symlink()


def test_an_entry_that_is_a_link_is_not_recorded_in(publisher: Any) -> None:
    entry = publisher(zoo="elsewhere")
    ZOO.mkdir()
    (ZOO / "tiny").symlink_to(entry.path.absolute())
    before = contents(Path("elsewhere"))
    with pytest.raises(ZooError, match=r"VZ503.*it is a link to"):
        amend(find("tiny"), lambda entry: entry.metrics)
    assert contents(Path("elsewhere")) == before


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_the_lock_is_a_regular_file(publisher: Any, precious: Path, kind: str) -> None:
    import os

    ZOO.mkdir()
    if kind == "link":
        (ZOO / ".lock").symlink_to(precious / "made by a lock")
    else:
        os.mkfifo(ZOO / ".lock")
    with pytest.raises(ZooError, match=r"VZ503.*\.lock"):
        publisher()
    assert not (precious / "made by a lock").exists()


def test_unknown_files_in_staging_are_kept(publisher: Any, precious: Path) -> None:
    publisher()
    staging = ZOO / ".staging"
    shutil.copytree(precious, staging / "mine-12345678")
    shutil.copytree(precious, staging / ".trash-mine")
    (staging / "link-12345678").symlink_to(precious)
    (staging / ".trash-link").symlink_to(precious)
    (staging / "notes.txt").write_text("mine")
    before = contents(staging), contents(precious)
    publisher()
    assert (contents(staging), contents(precious)) == before


def test_a_folder_of_other_files_is_not_pruned(publisher: Any, precious: Path) -> None:
    publisher()
    publisher()
    (ZOO / ".previous" / "tiny-20200101-000000").mkdir()
    shutil.copytree(precious, ZOO / ".previous" / "tiny-20200101-000001")
    before = contents(precious)
    with pytest.raises(ZooError, match=r"VZ503(.|\n)*it contains thesis\.tex, tiny-"):
        prune(prunable())
    assert contents(precious) == before
    assert (ZOO / ".previous" / "tiny-20200101-000001" / "thesis.tex").exists()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"name": "tiny"}',
        '{"name": "tiny", "new": "../precious/a", "kept": ".previous/x", "number": 1, '
        '"command": ""}',
        '{"name": "../precious", "new": ".staging/a", "kept": ".previous/x", "number": 1, '
        '"command": ""}',
        '{"name": "tiny", "new": ".staging/..", "kept": ".previous/..", "number": 1, '
        '"command": ""}',
        '{"name": "tiny", "new": "/etc/passwd", "kept": "/", "number": 1, "command": ""}',
    ],
)
def test_a_note_of_an_exchange_speaks_of_the_zoo_alone(
    publisher: Any, precious: Path, content: str
) -> None:
    publisher(seed=1)
    shutil.rmtree(ZOO / "tiny")
    (ZOO / ".staging" / "tiny.swap").write_text(content)
    before = contents(precious)
    assert publisher(seed=2).load()
    assert contents(precious) == before
    assert not (ZOO / ".staging" / "tiny.swap").exists()


def test_predecessors_keep_their_order_when_the_clock_is_set_back(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from vaezoo.zoo import predecessors as module

    class Clock:
        year = 2030

        @classmethod
        def now(cls, zone: object) -> datetime:
            return datetime(cls.year, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(module, "datetime", Clock)
    published = [publisher(seed=seed).header["digest"] for seed in range(2)]
    Clock.year = 2020
    published += [publisher(seed=seed).header["digest"] for seed in (2, 3)]
    assert [restore("tiny").header["digest"] for _ in range(1)] == [published[2]]
    assert predecessors(ZOO)[-1].path.name == "tiny-20300101-000000"
    assert kept_path(ZOO, "other").name == "other-20200101-000000"


def test_of_two_prunes_at_once_the_second_says_what_it_did(publisher: Any) -> None:
    for seed in range(3):
        publisher(seed=seed)
    mine, theirs = prunable(), prunable()
    assert len(prune(theirs)) == 2
    publisher(seed=4)  # takes the place of one that is gone, within the same second
    assert prune(mine) == ()
    assert len(predecessors(ZOO)) == 1
