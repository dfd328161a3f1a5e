"""Addresses, short names, and passwords that appear nowhere."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest

from tests.zoo.parts import Publisher
from tests.zoo.remote.conftest import Storage
from tests.zoo.remote.servers import Answer, WebServer
from vaezoo.cli import main
from vaezoo.diagnostics import UsageError, ZooError
from vaezoo.diagnostics.redact import redacted
from vaezoo.zoo import find
from vaezoo.zoo.remote.added_zoos import add_zoo, added_zoos, remove_zoo
from vaezoo.zoo.remote.address import entry_address, zoo_address
from vaezoo.zoo.remote.pull import pull
from vaezoo.zoo.remote.resolve import entry_at
from vaezoo.zoo.search import own_folder, search_folders


@pytest.mark.parametrize(
    ("text", "zoo", "name", "revision"),
    [
        ("hf://user/repo/mine", "hf://user/repo", "mine", None),
        ("hf://user/repo@dev/mine@01234567", "hf://user/repo@dev", "mine", "01234567"),
        ("s3://bucket/a/b/mine", "s3://bucket/a/b", "mine", None),
        ("https://host:8000/zoo/mine/", "https://host:8000/zoo", "mine", None),
        ("HTTPS://host/mine", "https://host", "mine", None),
        ("memory://zoo/mine", "memory://zoo", "mine", None),
        ("file:///a/b/mine", "file:///a/b", "mine", None),
    ],
)
def test_an_address_has_a_zoo_a_name_and_a_revision(
    text: str, zoo: str, name: str, revision: str | None
) -> None:
    found = entry_address(text)
    assert (str(found.zoo), found.name, found.revision) == (zoo, name, revision)


def test_a_relative_folder_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(zoo_address("file://./zoo")) == f"file://{tmp_path}/zoo"


@pytest.mark.parametrize(
    "text",
    [
        "ftp://host/mine",
        "hff://user/repo/mine",
        "hf://user/mine",
        "https:///mine",
        "https://host/../mine",
        "https://host/zoo/mine?token=1",
        "https://host/zoo#x/mine",
        "https://host/a//b/mine",
        "https://host/a b/mine",
        "https://ho\u0455t/mine",
        "https://host/Mine",
        "https://host/mine@main",
        "https://host/mine\n",
        "s3://key:secret@bucket/mine",
        "s3://bucket/*/mine",
        "simplecache::s3://bucket/mine",
        "file://relative/mine",
        "https://" + "x" * 2000 + "/mine",
    ],
)
def test_an_address_that_cannot_be_used_says_why(text: str) -> None:
    with pytest.raises(UsageError, match="VZ510") as caught:
        entry_address(text)
    assert caught.value.diagnostics[0].hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://me:pa$$@host/zoo", "see https://***@host/zoo"),
        ("https://me:pa/ss@host/zoo", "https://***@host/zoo"),
        ("https://token@host/zoo", "https://***@host/zoo"),
        ("http://host:80/zoo/mine@01234567", "http://host:80/zoo/mine@01234567"),
        ("hf://user/repo@dev/x", "hf://user/repo@dev/x"),
        ("url: https://h/x?X-Amz-Signature=abc&y=1 failed", "url: https://h/x?*** failed"),
        ("token hf_abcdefghijkl is bad", "token *** is bad"),
    ],
)
def test_secrets_are_redacted(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_password_is_used_and_appears_nowhere(
    web_zoo: Storage,
    server: WebServer,
    publisher: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    web_zoo.push(publisher())
    monkeypatch.setattr("vaezoo.registry.discover", lambda *given, **how: publisher.registry)

    def guarded(path: str, answer: Answer) -> Answer:
        given = server.headers[-1].get("Authorization")
        return answer if given == "Basic bWU6cDRzc3cwcmQ=" else Answer(401, {}, b"")

    server.fault = guarded
    address = web_zoo.read.replace("http://", "http://me:p4ssw0rd@")
    assert pull(f"{address}/tiny", registry=publisher.registry).pinned.startswith(web_zoo.read)
    for arguments in (
        ["pull", web_zoo.read.replace("http://", "http://me:wr0ng@") + "/tiny"],
        ["pull", f"{address}/Tiny"],
        ["zoo", "list", "--zoo", f"{address}/nothing"],
        ["zoo", "add", "lab", address],
        ["zoo", "show", f"{address}/nobody"],
        ["push", "tiny", address, "--license", "mit"],
        ["run", "spec.yaml", "--zoo", address],
        ["pull", f"{address}/tiny", address],
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code
    unused = "http://me:p4ssw0rd@127.0.0.1:1/zoo/tiny"
    with pytest.raises(ZooError) as unreachable:
        main(["--debug", "zoo", "show", unused])
    told = "".join(traceback.format_exception(unreachable.value))
    assert "p4ssw0rd" not in told.replace(f'unused = "{unused}"', "")
    printed = capfd.readouterr()
    assert "p4ssw0rd" not in printed.out + printed.err
    assert "wr0ng" not in printed.out + printed.err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"p4ssw0rd" not in path.read_bytes(), path


def test_short_names(tmp_path: Path) -> None:
    assert added_zoos() == {}
    assert add_zoo("lab", "hf://our-lab/zoo") == zoo_address("hf://our-lab/zoo")
    add_zoo("lab", "hf://our-lab/zoo/")
    add_zoo("here", f"file://{tmp_path}")
    assert {short: str(zoo) for short, zoo in added_zoos().items()} == {
        "here": f"file://{tmp_path}",
        "lab": "hf://our-lab/zoo",
    }
    found = entry_at("lab/mine@01234567")
    assert found is not None
    assert (str(found), found.given) == ("hf://our-lab/zoo/mine@01234567", "lab/mine")
    with pytest.raises(UsageError, match="already the short name of hf://our-lab/zoo"):
        add_zoo("lab", "s3://bucket/zoo")
    with pytest.raises(UsageError, match="not the name of an entry"):
        entry_at("lab/Mine")
    assert entry_at("lba/mine") is None
    assert entry_at("lab/a/b") is None
    with pytest.raises(UsageError, match="did you mean 'lab'"):
        remove_zoo("lba")
    with pytest.raises(UsageError, match="cannot be a short name"):
        add_zoo("../lab", "s3://bucket/zoo")
    remove_zoo("lab")
    assert list(added_zoos()) == ["here"]


def test_a_path_comes_before_a_short_name(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage(f"file://{tmp_path}/shared", f"file://{tmp_path}/shared")
    storage.push(publisher())
    add_zoo("zoo", storage.read)
    assert find("zoo/tiny").path == Path("zoo/tiny")
    add_zoo("lab", storage.read)
    assert "cache" in find("lab/tiny").path.parts
    assert "cache" in find("tiny", zoo="lab").path.parts
    monkeypatch.setenv("VAEZOO_ZOO", storage.read)
    assert "cache" in find("tiny").path.parts


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": "x"}', '{"format": "vaezoo zoos 1", "zoos": {"a": "b"}}']
)
def test_a_damaged_list_of_short_names_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "zoos.json").write_text(text, "utf-8")
    with pytest.raises(ZooError, match=r"VZ502.*zoos\.json"):
        added_zoos()


def test_commands_that_write_need_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for use in (own_folder, search_folders):
        with pytest.raises(UsageError, match=r"VZ510.*needs a folder"):
            use("s3://bucket/zoo")
    monkeypatch.setenv("VAEZOO_ZOO", "s3://bucket/zoo")
    with pytest.raises(UsageError, match=r"VZ510.*needs a folder"):
        own_folder()
    assert Path("zoo") in search_folders()


def test_commands_about_short_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["zoo", *arguments])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert "vaezoo zoo add SHORT ADDRESS" in run("remotes")
    assert run("add", "lab", "hf://our-lab/zoo") == "lab is hf://our-lab/zoo\n"
    assert run("remotes") == "lab  hf://our-lab/zoo\n"
    assert json.loads(run("remotes", "--json")) == {"lab": "hf://our-lab/zoo"}
    assert run("remove", "lab") == "removed lab, which was hf://our-lab/zoo\n"
