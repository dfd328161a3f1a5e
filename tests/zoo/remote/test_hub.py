"""The Hugging Face hub, by a stand-in for its HTTP interface, with the real client library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.parts import Publisher
from tests.zoo.remote.conftest import Storage, use_cache
from tests.zoo.remote.hub_stand_in import REPOSITORY, Hub, hub_stand_in
from tests.zoo.remote.test_round_trip import contents
from vaezoo.diagnostics import ZooError
from vaezoo.zoo.remote.address import zoo_address
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.remote_files import ChangedMeanwhile, open_files
from vaezoo.zoo.remote.search_entries import remote_entries


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from vaezoo.zoo.remote.hub_files import HubFiles

    with hub_stand_in() as running:
        options = {
            "skip_instance_cache": True,
            "endpoint": running.endpoint,
            "token": "hf_secretsecret",
        }
        monkeypatch.setattr(HubFiles, "options", lambda self: options)
        yield running


@pytest.fixture
def storage() -> Storage:
    return Storage(f"hf://{REPOSITORY}", f"hf://{REPOSITORY}")


def test_round_trip(
    hub: Hub,
    storage: Storage,
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    entry = publisher()
    revision = storage.push(entry)
    assert f"tiny/{revision}/model.safetensors" in hub.files
    use_cache(monkeypatch, tmp_path / "fresh")
    (listed,) = remote_entries(storage.read) or []
    assert (listed.reference, listed.revision) == (f"{storage.read}/tiny", revision)
    pulled = pull(f"{storage.read}/tiny", registry=publisher.registry)
    assert contents(pulled.entry.path) == contents(entry.path)
    second = storage.push(publisher(seed=4))
    assert pull(f"{storage.read}/tiny", registry=publisher.registry).revision == second
    assert hub.tokens == {"Bearer hf_secretsecret"}
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"hf_secret" not in path.read_bytes()


def test_the_index_is_replaced_only_on_top_of_the_commit_that_was_read(
    hub: Hub, storage: Storage, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.push(publisher())
    files = open_files(zoo_address(storage.written))
    before = hub.files["index.json"]
    with pytest.raises(ChangedMeanwhile):
        files.switch("index.json", b"x", b"another")
    real = Hub.commit

    def after_another(hub: Hub, lines: list[dict[str, Any]]) -> bool:
        hub.commits += 1
        return real(hub, lines)

    monkeypatch.setattr(Hub, "commit", after_another)
    with pytest.raises(ChangedMeanwhile):
        files.switch("index.json", b"x", before)
    assert hub.files["index.json"] == before


def test_a_damaged_file_and_an_unknown_repository(
    hub: Hub, storage: Storage, publisher: Publisher
) -> None:
    revision = storage.push(publisher())
    path = f"tiny/{revision}/spec.yaml"
    hub.files[path] = hub.files[path][:-1] + b"?"
    with pytest.raises(ZooError, match=r"VZ508.*spec\.yaml does not have the SHA-256"):
        pull(f"{storage.read}/tiny", registry=publisher.registry)
    with pytest.raises(ZooError, match="VZ507"):
        pull("hf://nobody/nothing/tiny", registry=publisher.registry)
