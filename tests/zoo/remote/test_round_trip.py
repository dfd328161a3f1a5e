"""Push, list, pull with an empty cache, sample offline: over every kind of storage."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.zoo.parts import Publisher
from tests.zoo.remote.conftest import Storage, use_cache
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.zoo import find, load
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.search_entries import remote_entries


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, opening a remote zoo fails the test."""

    def refuse(address: object) -> None:
        raise AssertionError(f"{address} was opened")

    monkeypatch.setattr("vaezoo.zoo.remote.resolve.open_files", refuse)


def test_what_is_pulled_equals_what_was_pushed(
    storage: Storage, publisher: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    entry = publisher()
    expected = entry.load(publisher.registry).sample(3, seed=1)
    revision = storage.push(entry)
    listed = remote_entries(storage.read)
    assert listed is not None
    assert [(one.reference, one.revision, one.license) for one in listed] == [
        (f"{storage.read}/tiny", revision, "mit")
    ]
    use_cache(monkeypatch, tmp_path / "fresh")
    pulled = pull(f"{storage.read}/tiny", registry=publisher.registry)
    assert pulled.revision == revision
    assert contents(pulled.entry.path) == contents(entry.path)
    unreachable(monkeypatch)
    for reference in (f"{storage.read}/tiny", pulled.pinned, f"{storage.read}/tiny@{revision}"):
        model = load(reference)
        assert torch.equal(model.sample(3, seed=1), expected)


def test_a_name_is_downloaded_on_first_use_and_then_stays(
    storage: Storage, publisher: Publisher
) -> None:
    first = storage.push(publisher())
    address = f"{storage.read}/tiny"
    assert find(address).path.parent.name == first
    second = storage.push(publisher(seed=5))
    assert find(address).path.parent.name == first
    assert pull(address).revision == second
    assert find(address).path.parent.name == second
    assert pull(f"{address}@{first[:10]}").revision == first
    assert find(address).path.parent.name == second


def test_option_zoo_takes_an_address(storage: Storage, publisher: Publisher) -> None:
    entry = publisher(name="only_there")
    revision = storage.push(entry)
    for path in entry.path.rglob("*"):
        if path.is_file():
            path.unlink()
    found = find("only_there", zoo=storage.read)
    assert found.path.parent.name == revision
    assert find("fashion_mlp2", zoo=storage.read).is_shipped
    with pytest.raises(UsageError, match=r"no zoo entry called 'onlythere'"):
        find("onlythere", zoo=storage.read)


def test_unknown_names_and_zoos_say_what_to_do(storage: Storage, publisher: Publisher) -> None:
    with pytest.raises(ZooError, match=r"VZ507: there is no zoo at .*\n.*vaezoo push NAME ADDRESS"):
        find(f"{storage.read}/tiny")
    storage.push(publisher())
    with pytest.raises(
        UsageError, match=r"VZ501: no entry called 'tinny'.*\n.*did you mean 'tiny'"
    ):
        find(f"{storage.read}/tinny")
    with pytest.raises(UsageError, match=r"has no revision 0123456789\n.*newest first: [0-9a-f]"):
        find(f"{storage.read}/tiny@0123456789")
    with pytest.raises(ZooError, match=r"VZ507: cannot read .*there is no tiny/0000"):
        find(f"{storage.read}/tiny@{'0' * 64}")
