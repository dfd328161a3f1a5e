"""The answers of ``remote.py``: corrupted ones, and zoos that are forged as a whole."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.zoo.remote.servers import Answer, Fault

Make = Callable[["Pushed", random.Random, str], Fault]


@dataclass(frozen=True)
class Pushed:
    """An honest zoo with one entry, as it lies on the server: the content of each path."""

    name: str
    revision: str
    files: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path, name: str) -> Pushed:
        found = {
            f"/zoo/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
        index = json.loads(found["/zoo/index.json"])
        return cls(name, index["entries"][name]["revision"], found)

    @property
    def read_paths(self) -> list[str]:
        """The paths of files that a pull reads and that have a content."""
        card = f"/zoo/{self.name}/README.md"
        return [path for path, content in self.files.items() if content and path != card]

    @property
    def table(self) -> dict[str, Any]:
        return dict(json.loads(self.files[f"/zoo/{self.name}/{self.revision}.json"]))

    @property
    def index(self) -> dict[str, Any]:
        return dict(json.loads(self.files["/zoo/index.json"]))


# Corrupted: one file, whenever it is asked for.


def _file(change: Callable[[bytes, random.Random], bytes]) -> Make:
    """Another content of one file."""

    def make(pushed: Pushed, chance: random.Random, other: str) -> Fault:
        path = chance.choice(pushed.read_paths)
        changed = pushed.files[path]
        while changed == pushed.files[path]:
            changed = change(pushed.files[path], chance)

        def fault(asked: str, answer: Answer) -> Answer:
            if asked != path or answer.status not in (200, 206):
                return answer
            return Answer(200, {}, changed)

        return fault

    return make


def _answer(change: Callable[[Answer, random.Random, str], Answer]) -> Make:
    """Another answer to requests for one file."""

    def make(pushed: Pushed, chance: random.Random, other: str) -> Fault:
        path = chance.choice(pushed.read_paths)
        return lambda asked, answer: change(answer, chance, other) if asked == path else answer

    return make


def _flip(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _blank(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes(min(16, len(content) - at)) + content[at + 16 :]


def _moved(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(1, len(content))
    return content[at:] + content[:at]


def _cut_off(answer: Answer, chance: random.Random, other: str) -> Answer:
    """The connection ends early, each time at once, so that no attempt gets further."""
    return dataclasses.replace(answer, cut=0)


def _ranges_lie(answer: Answer, chance: random.Random, other: str) -> Answer:
    """The whole file as a part of it, or a part as another one."""
    start = chance.choice([0, 1, 7, 10**9])
    about = {"Content-Range": f"bytes {start}-{start + len(answer.body)}/{len(answer.body)}"}
    return Answer(206, about, answer.body[chance.choice([0, 1]) :] + b"x")


def _redirect(answer: Answer, chance: random.Random, other: str) -> Answer:
    place = chance.choice(
        [f"{other}/zoo/index.json", "//localhost:1/x", "file:///etc/passwd", "http://[::1]:1/", ""]
    )
    return Answer(chance.choice([301, 302, 303, 307, 308]), {"Location": place}, b"")


def _status(answer: Answer, chance: random.Random, other: str) -> Answer:
    return Answer(chance.choice([204, 400, 401, 403, 404, 410, 418, 429, 500, 503]), {}, b"{}")


def _zipped(answer: Answer, chance: random.Random, other: str) -> Answer:
    """A compressed body, which may unpack to any size."""
    body = gzip.compress(bytes(10**7) if chance.random() < 0.5 else answer.body)
    return Answer(200, {"Content-Encoding": "gzip"}, body)


def _long(answer: Answer, chance: random.Random, other: str) -> Answer:
    """More than anybody asked for, and the promise of still more."""
    return Answer(200, {"Content-Length": str(10**13)}, answer.body + bytes(4 * 10**6))


CORRUPTED: dict[str, Make] = {
    "bit flipped": _file(_flip),
    "bytes blanked": _file(_blank),
    "bytes moved": _file(_moved),
    "bytes cut": _file(lambda content, chance: content[: chance.randrange(len(content))]),
    "bytes added": _file(lambda content, chance: content + chance.choice([b"\0", b"\n", b"{}"])),
    "emptied": _file(lambda content, chance: b""),
    "another file": _file(lambda content, chance: b"<!doctype html><p>Log in</p>"),
    "connection cut": _answer(_cut_off),
    "wrong range": _answer(_ranges_lie),
    "redirect": _answer(_redirect),
    "status": _answer(_status),
    "compressed": _answer(_zipped),
    "endless": _answer(_long),
}


# Forged: a whole zoo whose digests fit.


def _sealed_index(index: dict[str, Any]) -> bytes:
    content = {key: value for key, value in index.items() if key != "digest"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{json.dumps({**content, 'digest': digest}, indent=1)}\n".encode()


def _serve(files: Mapping[str, bytes]) -> Fault:
    """Answer with these files, and with the honest ones besides."""

    def fault(asked: str, answer: Answer) -> Answer:
        return Answer(200, {}, files[asked]) if asked in files else answer

    return fault


def _forged_table(pushed: Pushed, table: Any, more: Mapping[str, bytes] | None = None) -> Fault:
    """A zoo with this list of files, under the revision that belongs to it."""
    text = f"{json.dumps(table, indent=1)}\n".encode()
    revision = hashlib.sha256(text).hexdigest()
    index = pushed.index
    index["entries"][pushed.name]["revision"] = revision
    files = {
        "/zoo/index.json": _sealed_index(index),
        f"/zoo/{pushed.name}/{revision}.json": text,
    }
    for path, content in pushed.files.items():
        files[path.replace(f"/{pushed.revision}/", f"/{revision}/")] = content
    for name, content in (more or {}).items():
        files[f"/zoo/{pushed.name}/{revision}/{name}"] = content
    files["/zoo/index.json"] = _sealed_index(index)
    return _serve(files)


def _in_table(change: Callable[[dict[str, Any], random.Random], object]) -> Make:
    def make(pushed: Pushed, chance: random.Random, other: str) -> Fault:
        table = pushed.table
        change(table, chance)
        table["files"] = dict(sorted(table["files"].items()))
        return _forged_table(pushed, table)

    return make


def _in_index(change: Callable[[dict[str, Any], str, random.Random], object]) -> Make:
    def make(pushed: Pushed, chance: random.Random, other: str) -> Fault:
        index = pushed.index
        change(index, pushed.name, chance)
        return _serve({"/zoo/index.json": _sealed_index(index)})

    return make


_PATHS = (
    "../escaped.png", "/escaped.png", "figures/../../escaped.png", "figures/../escaped.png",
    "..\\escaped.png", "C:\\escaped.png", "figures//escaped.png", "./escaped.png", ".escaped.png",
    "figures/.escaped.png", "escaped.py", "figures/escaped.py", "figures/a/b.png", "model.pkl",
    "figures/escaped.png\n", "figures/\u202egnp.png", "figures/escap\u0435d.png", "", "figures/",
    "manifest.json.exe", "figures/nul\0.png", "figures/" + "x" * 300 + ".png", "~/escaped.png",
)  # fmt: skip


def _path(table: dict[str, Any], chance: random.Random) -> None:
    content = dict(table["files"]["spec.yaml"])
    table["files"][chance.choice(_PATHS)] = content


def _size(table: dict[str, Any], chance: random.Random) -> None:
    one = table["files"][chance.choice(list(table["files"]))]
    one["bytes"] = chance.choice([-1, 10**13, 2**63, 2**70, 5 * 10**9, "12", 1.5, None, True, []])


def _sha(table: dict[str, Any], chance: random.Random) -> None:
    one = table["files"][chance.choice(list(table["files"]))]
    one["sha256"] = chance.choice(["", "0" * 64, "0" * 63, "G" * 64, None, 5, "A" * 64])


def _many(table: dict[str, Any], chance: random.Random) -> None:
    one = table["files"]["spec.yaml"]
    table["files"] |= {f"figures/{number}.png": one for number in range(1001)}


def _lacks(table: dict[str, Any], chance: random.Random) -> None:
    del table["files"][chance.choice([n for n in table["files"] if not n.startswith("figures/")])]


def _case(table: dict[str, Any], chance: random.Random) -> None:
    one = table["files"]["spec.yaml"]
    table["files"] |= {"figures/a.png": one, "figures/A.png": one}


def _link(table: dict[str, Any], chance: random.Random) -> None:
    one = table["files"][chance.choice(list(table["files"]))]
    one[chance.choice(["link", "target", "mode", "url"])] = "/etc/passwd"


def _other_name(table: dict[str, Any], chance: random.Random) -> None:
    table["name"] = chance.choice(["another", "../x", "t\u0456ny", "TINY", ""])


def _format(table: dict[str, Any], chance: random.Random) -> None:
    table["format"] = chance.choice(["vaezoo files 2", "", None, 1, ["vaezoo files 1"]])


def _no_entry(pushed: Pushed, chance: random.Random, other: str) -> Fault:
    """Files whose digests are in the list, but which are no intact entry."""
    table = pushed.table
    name = chance.choice(["model.safetensors", "metrics.json", "manifest.json", "spec.yaml"])
    old = pushed.files[f"/zoo/{pushed.name}/{pushed.revision}/{name}"]
    content = chance.choice(
        [b"", b"\x80\x04pickle", b"{}", _flip(old, chance), old[: len(old) // 2]]
    )
    digest = hashlib.sha256(content).hexdigest()
    table["files"][name] = {"bytes": len(content), "sha256": digest}
    return _forged_table(pushed, table, {name: content})


def _row(key: str, values: list[Any]) -> Make:
    def change(index: dict[str, Any], name: str, chance: random.Random) -> None:
        index["entries"][name][key] = chance.choice(values)

    return _in_index(change)


def _alike(index: dict[str, Any], name: str, chance: random.Random) -> None:
    twin = chance.choice(
        ["t1ny", "tlny", "t\u0456ny", "TINY", "tiny ", "ti\u200bny", "../tiny", ""]
    )
    index["entries"][twin] = index["entries"][name]


def _crowd(index: dict[str, Any], name: str, chance: random.Random) -> None:
    row = index["entries"][name]
    index["entries"] |= {f"many-x{number}x": row for number in range(10_001)}


def _nested(pushed: Pushed, chance: random.Random, other: str) -> Fault:
    depth = chance.choice([1000, 100_000])
    text = b"[" * depth + b"]" * depth
    place = chance.choice([f"/zoo/{pushed.name}/{pushed.revision}.json", "/zoo/index.json"])
    return _serve({place: text})


def _json(pushed: Pushed, chance: random.Random, other: str) -> Fault:
    text = chance.choice(
        [b"null", b"[]", b"{}", b'"x"', b"1e999", b"NaN", b'{"a":1,"a":2}', b"\xff"]
    )
    place = chance.choice([f"/zoo/{pushed.name}/{pushed.revision}.json", "/zoo/index.json"])
    return _serve({place: text})


def _huge(pushed: Pushed, chance: random.Random, other: str) -> Fault:
    text = b" " * (9 * 10**6)
    place = chance.choice([f"/zoo/{pushed.name}/{pushed.revision}.json", "/zoo/index.json"])
    return _serve({place: text})


FORGED: dict[str, Make] = {
    "path": _in_table(_path),
    "size": _in_table(_size),
    "digest": _in_table(_sha),
    "too many files": _in_table(_many),
    "missing file": _in_table(_lacks),
    "upper and lower case": _in_table(_case),
    "link": _in_table(_link),
    "name in the list": _in_table(_other_name),
    "format": _in_table(_format),
    "no entry": _no_entry,
    "revision": _row("revision", ["", "../x", "0" * 64, "0" * 63, None, 7, ["0" * 64], "Z" * 64]),
    "license": _row("license", ["", "mit\x1b[31m", "x" * 100, None, 3, "a b"]),
    "row of other types": _row("latent", ["2", None, {"a": 1}, 2.5, [[2]]]),
    "long text": _row("summary", ["x" * 501, None, 5, ["x"]]),
    "size in the index": _row("bytes", [-1, "1", None, 2**63, 1.5]),
    "names that look alike": _in_index(_alike),
    "too many entries": _in_index(_crowd),
    "nested deeply": _nested,
    "other JSON": _json,
    "huge list": _huge,
}
