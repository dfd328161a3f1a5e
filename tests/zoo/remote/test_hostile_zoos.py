"""Damaged and hostile answers are refused; a download goes on where it was cut off."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from tests.zoo.parts import Publisher
from tests.zoo.remote.conftest import Storage
from tests.zoo.remote.servers import Answer, WebServer
from vaezoo.diagnostics import ZooError
from vaezoo.zoo.remote.address import zoo_address
from vaezoo.zoo.remote.file_table import LARGEST_TABLE, read_table, table_of
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.remote_cache import cached_entry, incoming_folder
from vaezoo.zoo.remote.remote_files import Unavailable, open_files
from vaezoo.zoo.remote.zoo_index import read_index

WEIGHTS = "model.safetensors"


def test_a_cut_download_goes_on_where_it_stopped(
    web_zoo: Storage, server: WebServer, publisher: Publisher
) -> None:
    revision = web_zoo.push(publisher())

    def cut(path: str, answer: Answer) -> Answer:
        return dataclasses.replace(answer, cut=300) if path.endswith(WEIGHTS) else answer

    server.fault = cut
    entry = pull(f"{web_zoo.read}/tiny", registry=publisher.registry).entry
    asked = [range_ for path, range_ in server.requests if path.endswith(WEIGHTS)]
    assert asked[:3] == [None, "bytes=300-", "bytes=600-"]
    assert table_of(entry).revision == revision


def test_a_stopped_pull_is_continued_by_the_next_one(
    web_zoo: Storage, server: WebServer, publisher: Publisher
) -> None:
    revision = web_zoo.push(publisher())
    server.fault = lambda path, answer: (
        dataclasses.replace(answer, cut=500 if "Content-Range" not in answer.headers else 0)
        if path.endswith(WEIGHTS)
        else answer
    )
    with pytest.raises(ZooError, match="VZ507"):
        pull(f"{web_zoo.read}/tiny", registry=publisher.registry)
    (partial,) = incoming_folder(revision).rglob("*.partial")
    assert partial.stat().st_size == 500
    server.fault = None
    server.requests.clear()
    pull(f"{web_zoo.read}/tiny", registry=publisher.registry)
    asked = [(Path(path).name, range_) for path, range_ in server.requests]
    assert (WEIGHTS, "bytes=500-") in asked
    assert ("README.md", None) not in asked  # it was complete


def test_a_server_without_ranges_is_read_from_the_start(
    web_zoo: Storage, server: WebServer, publisher: Publisher
) -> None:
    web_zoo.push(publisher())
    server.has_ranges = False
    cuts = iter([400])
    server.fault = lambda path, answer: (
        dataclasses.replace(answer, cut=next(cuts, None)) if path.endswith(WEIGHTS) else answer
    )
    pull(f"{web_zoo.read}/tiny", registry=publisher.registry)


def test_one_damaged_answer_is_asked_for_again(
    web_zoo: Storage, server: WebServer, publisher: Publisher
) -> None:
    web_zoo.push(publisher())
    seen: set[str] = set()

    def damaged_once(path: str, answer: Answer) -> Answer:
        if path in seen or not answer.body:
            return answer
        seen.add(path)
        return Answer(200, {}, answer.body[:-1] + bytes([answer.body[-1] ^ 1]))

    server.fault = damaged_once
    pull(f"{web_zoo.read}/tiny", registry=publisher.registry)
    assert len(seen) > 5


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(302, {"Location": "http://localhost:1/zoo/index.json"}, b""), "another host"),
        (Answer(301, {"Location": "file:///etc/passwd"}, b""), "another host"),
        (Answer(302, {"Location": "/zoo/index.json"}, b""), "again and again"),
        (Answer(200, {}, b"[" * 10**6), "nested too deeply|not what vaezoo writes"),
        (Answer(200, {}, b" " * (9 * 10**6)), "more than 8,000,000 bytes"),
        (Answer(206, {"Content-Range": "bytes 5-9/10"}, b"12345"), "another range"),
    ],
)
def test_an_index_that_must_not_be_used(
    web_zoo: Storage, server: WebServer, publisher: Publisher, answer: Answer, reason: str
) -> None:
    web_zoo.push(publisher())
    server.fault = lambda path, correct: answer if path.endswith("index.json") else correct
    with pytest.raises(ZooError, match=f"VZ508.*({reason})"):
        pull(f"{web_zoo.read}/tiny", registry=publisher.registry)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "denied"), (403, "denied"), (500, "HTTP 500"), (418, "HTTP 418")],
)
def test_a_server_that_answers_with_an_error(
    web_zoo: Storage, server: WebServer, status: int, reason: str
) -> None:
    server.fault = lambda path, correct: Answer(status, {}, b"")
    with pytest.raises(ZooError, match=f"VZ507.*{reason}"):
        pull(f"{web_zoo.read}/tiny")
    assert len(server.requests) == (4 if status == 500 else 1)


def test_no_server_at_all(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"VZ507: cannot read http://127\.0\.0\.1:1/zoo: .*reached"):
        pull("http://127.0.0.1:1/zoo/tiny")


def test_a_damaged_copy_in_the_cache_is_replaced(web_zoo: Storage, publisher: Publisher) -> None:
    web_zoo.push(publisher())
    entry = pull(f"{web_zoo.read}/tiny", registry=publisher.registry).entry
    revision = table_of(entry).revision
    content = bytearray((entry.path / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (entry.path / WEIGHTS).write_bytes(content)
    assert table_of(entry).revision != revision
    again = pull(f"{web_zoo.read}/tiny", registry=publisher.registry).entry
    assert table_of(again).revision == revision
    (again.path / WEIGHTS).unlink()
    assert cached_entry("tiny", revision) is None


def test_a_link_in_a_shared_folder_is_not_followed(tmp_path: Path, publisher: Publisher) -> None:
    storage = Storage(f"file://{tmp_path}/shared", f"file://{tmp_path}/shared")
    revision = storage.push(publisher())
    weights = tmp_path / "shared" / "tiny" / revision / WEIGHTS
    weights.rename(tmp_path / "elsewhere")
    weights.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ZooError, match=r"VZ508.*a link"):
        pull(f"{storage.read}/tiny", registry=publisher.registry)


def test_a_link_in_the_cache_is_not_written_through(
    web_zoo: Storage, server: WebServer, publisher: Publisher, tmp_path: Path
) -> None:
    revision = web_zoo.push(publisher())
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder = incoming_folder(revision) / "tiny"
    folder.mkdir(parents=True)
    (folder / f".{WEIGHTS}.partial").symlink_to(victim)
    with pytest.raises(ZooError, match="VZ503"):
        pull(f"{web_zoo.read}/tiny", registry=publisher.registry)
    assert victim.read_bytes() == b"precious"


def test_a_list_of_files_has_one_reading_only(publisher: Publisher) -> None:
    table = table_of(publisher())
    assert read_table(table.text, "tiny", table.revision).files == table.files
    with pytest.raises(ValueError, match="does not have the SHA-256"):
        read_table(table.text + b" ", "tiny", table.revision)
    with pytest.raises(ValueError, match="'other'"):
        read_table(table.text, "other", table.revision)


def test_every_changed_byte_of_an_index_is_found(web_zoo: Storage, publisher: Publisher) -> None:
    web_zoo.push(publisher())
    content = open_files(zoo_address(web_zoo.written)).read("index.json", LARGEST_TABLE)
    read_index(content)
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"index|name|revision|license|size|texts"):
            read_index(bytes(changed))


def test_a_web_server_is_not_written_to(web_zoo: Storage) -> None:
    files = open_files(zoo_address(web_zoo.read))
    with pytest.raises(Unavailable, match="can only be read"):
        files.write({"x": b"x"})
    with pytest.raises(Unavailable, match="can only be read"):
        files.switch("x", b"x", None)


def test_nothing_of_a_pull_is_executed(web_zoo: Storage, publisher: Publisher) -> None:
    """No file of a pulled entry can be executed, and none is Python."""
    web_zoo.push(publisher())
    entry = pull(f"{web_zoo.read}/tiny", registry=publisher.registry).entry
    for path in entry.path.rglob("*"):
        assert path.suffix != ".py"
        assert path.is_dir() or not os.access(path, os.X_OK)
