"""What a kill leaves is put right by the next command that writes, and readers see no gap."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.zoo import Entry, atomic_replace, entries, find
from vaezoo.zoo.add_metrics import amend
from vaezoo.zoo.entry import damaged
from vaezoo.zoo.predecessors import predecessors
from vaezoo.zoo.restore import prunable, prune, restore

ZOO = Path("zoo")


def digest(entry: Entry) -> str:
    return entry.header["digest"]


def killed(give: Callable[[], object], at: str) -> None:
    """Give a command in a process that ends at the named function of ``atomic_replace``."""
    child = os.fork()
    if not child:
        setattr(atomic_replace, at, lambda *arguments: os._exit(9))
        try:
            give()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
needs_exchange = pytest.mark.skipif(
    not os.path.exists("/proc"), reason="needs an atomic exchange of folders"
)


@needs_fork
@needs_exchange
@pytest.mark.parametrize("at", ["exchange", "_keep_replaced"])
def test_a_killed_publish_loses_nothing(publisher: Any, at: str) -> None:
    old = digest(publisher(seed=1))
    killed(lambda: publisher(seed=2), at)
    publisher(name="other")
    new = digest(find("tiny"))
    there = {digest(Entry(one.path, one.name)) for one in predecessors(ZOO, "tiny")} | {new}
    assert old in there
    assert len(there) == 2
    assert (new == old) == (at == "exchange")
    assert sorted((ZOO / ".staging").iterdir()) == []


@needs_fork
@needs_exchange
def test_a_killed_restore_is_completed_by_the_same_command(publisher: Any) -> None:
    old, new = digest(publisher(seed=1)), digest(publisher(seed=2))
    killed(lambda: restore("tiny"), "_keep_replaced")
    assert digest(restore("tiny")) == old, "given again, it is not taken back"
    assert [digest(Entry(one.path, "tiny")) for one in predecessors(ZOO)] == [new]
    assert digest(restore("tiny")) == new


def test_between_two_renames_the_old_entry_is_found(
    publisher: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file system has no exchange, or a kill left it there."""
    old = digest(publisher(seed=1))
    seen: list[str] = []
    real = os.rename

    def looking(one: Any, other: Any) -> None:
        real(one, other)
        if Path(one).absolute() == (ZOO / "tiny").absolute():
            assert not (ZOO / "tiny").exists()
            assert find("tiny").load()
            assert ("tiny", Entry) in [(entry.name, type(entry)) for entry in entries()]
            seen.append(digest(find("tiny")))

    monkeypatch.setattr(atomic_replace, "exchange", lambda one, other: False)
    monkeypatch.setattr(os, "rename", looking)
    new = digest(publisher(seed=2))
    restored = restore("tiny")
    assert digest(restored) == old
    amend(restored, lambda entry: entry.metrics)
    assert seen == [old, new, old]
    assert find("tiny").path == ZOO / "tiny"


@pytest.mark.parametrize("nth", [1, 2])
def test_an_entry_replaced_while_it_is_read_is_read_again(
    publisher: Any, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    publisher(seed=1)
    from vaezoo.system import safetensors_io

    entry, calls, real = find("tiny"), iter(range(1, 100)), safetensors_io.load

    def replacing(*arguments: Any) -> Any:
        if next(calls) == nth:
            publisher(seed=2)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors_io, "load", replacing)
        for _ in range(nth):
            model = entry.load()
    wanted = publisher.model(publisher.spec(), 2).state_dict()
    assert all((model.state_dict()[name] == value).all() for name, value in wanted.items())
    assert digest(entry) == digest(find("tiny")), "nothing of the earlier one is remembered"


def test_an_entry_that_is_damaged_for_good_is_read_once(publisher: Any) -> None:
    entry = publisher()
    times: list[int] = []

    def read() -> None:
        times.append(1)
        raise damaged("it is damaged")

    fresh = Entry(entry.path, entry.name)
    with pytest.raises(ZooError, match="it is damaged"):
        fresh.steadily(read)
    assert len(times) == 1


@pytest.mark.parametrize("file", ["model.safetensors", "metrics.json", "README.md", "spec.yaml"])
@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_torn_predecessor_is_not_restored(publisher: Any, file: str, harm: str) -> None:
    publisher(seed=1)
    publisher(seed=2)
    newest = digest(publisher(seed=3))
    path = predecessors(ZOO)[0].path / file
    if harm == "gone":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ZooError, match=r"VZ502: the newest predecessor of tiny is damaged"):
        restore("tiny")
    assert digest(find("tiny")) == newest
    shutil.move(predecessors(ZOO)[0].path, "elsewhere")
    assert digest(restore("tiny")) != newest


def test_figures_of_one_entry_are_not_recorded_in_another(publisher: Any) -> None:
    measured = publisher(seed=1)
    assert measured.header
    replaced = digest(publisher(seed=2))
    with pytest.raises(ZooError, match=r"VZ503.*was replaced while they were computed"):
        amend(measured, lambda entry: entry.metrics)
    assert digest(find("tiny")) == replaced
    assert sorted((ZOO / ".staging").iterdir()) == []


def test_recording_leaves_no_predecessor(publisher: Any) -> None:
    publisher(seed=1)
    entry = publisher(seed=2)
    (earlier,) = predecessors(ZOO)
    amend(entry, lambda entry: entry.metrics)
    assert predecessors(ZOO) == [earlier]
    assert sorted((ZOO / ".staging").iterdir()) == []


@pytest.mark.slow
def test_a_predecessor_goes_as_a_whole(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        publisher(seed=seed)
    real, seen = os.unlink, []

    def looking(*arguments: Any, **options: Any) -> None:
        for one in predecessors(ZOO):
            Entry(one.path, one.name).load()
        seen.append(arguments)
        real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", looking)
        assert len(prune(prunable())) == 2
    assert seen
    with pytest.raises(UsageError, match="VZ501"):
        restore("tiny")
