"""The cases of ``hostile.py``: hostile files, headers, names and folders of an entry."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# ruff: noqa: E501
#: Unprintable, misleading, escaping and overlong.
NAMES = (
    "a\x1b[31m", "b\n::error::x", "\u202ec", "d\u200bd", "аdmin", "e\x9b2J", "f\t", "g\x7f", "h" * 255,
    "..i", "-j", "--help", "k ", "~l", "m$(x)", "n%0A", "o|p", "q`r`", "<script>", "s.safetensors",
    "CON", "t\ud83d".encode("utf-8", "replace").decode(), "##[add-mask]u", "v'\"", "ﬁ", "É", "e\u0301",
)  # fmt: skip
#: Names recorded in a file.
RECORDED = (
    *NAMES, "../../outside", "/tmp/outside", "..", ".", "", "a/b", "a\\b", "a\x00b", "x" * 5000, 5, None,
    ["x"], {"x": 1}, True,
)  # fmt: skip
#: Replacements for values in the data.
VALUES: tuple[Any, ...] = (
    None, True, -1, 10**400, 1e999, -1e999, float("nan"), "", "x\x1b[31m\n::error::x", [], {}, [[]], {"use": {}},
    "../../x",
)  # fmt: skip

Change = Callable[[Path, random.Random], None]


def every_case(good: Path) -> Iterator[tuple[str, list[tuple[str, Change]]]]:
    """All cases by kind."""
    files = [
        path.relative_to(good).as_posix() for path in sorted(good.rglob("*")) if path.is_file()
    ]
    replaced = [
        (f"{name} is {what}", _in_place(name, make))
        for name in files
        for what, make in REPLACEMENTS.items()
    ]
    yield "files that are not what they seem", replaced
    yield "names of folders", [(repr(name), _named(name)) for name in NAMES]
    yield "names in headers", [(repr(n)[:60], _in_header(("spec", "name"), n)) for n in RECORDED]
    yield "specs in headers", _values_of(_header(good / "model.safetensors"), "spec")
    yield "locks in headers", _values_of(_header(good / "model.safetensors"), "lock")
    yield "headers", [(name, _weights(make)) for name, make in HEADERS.items()]
    for name in ("metrics.json", "history.jsonl"):
        if (good / name).is_file():
            yield f"values of {name}", _values_in_file(good / name)
    yield "folders", list(FOLDERS.items())


def _in_place(name: str, make: Callable[[Path], None]) -> Change:
    def change(entry: Path, draw: random.Random) -> None:
        path = entry / name
        path.unlink()
        make(path)

    return change


def _named(name: str) -> Change:
    def change(entry: Path, draw: random.Random) -> None:
        with contextlib.suppress(OSError):  # the file system refuses the name
            entry.rename(entry.parent / name)

    return change


def _text(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _copy_of_device(path: Path) -> None:
    if os.geteuid() == 0:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # infinite zeros
    else:
        path.symlink_to("/dev/zero")


REPLACEMENTS: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: None,
    "empty": _text(b""),
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
    "a link to zeros": lambda path: path.symlink_to("/dev/zero"),
    "a link to randomness": lambda path: path.symlink_to("/dev/urandom"),
    "a link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link out": lambda path: path.symlink_to("/etc/hostname"),
    "a link to a folder": lambda path: path.symlink_to("/proc"),
    "a device": _copy_of_device,
    "a terabyte of nothing": _sparse,
    "zeros": _text(bytes(100_000)),
    "noise": _text(random.Random(0).randbytes(100_000)),
    "deep lists": _text(b"[" * 200_000),
    "deep mappings": _text(b'{"a":' * 100_000),
    "a long list": _text(b"[" + b"0," * 2_000_000 + b"0]"),
    "a long number": _text(b"9" * 1_000_000),
    "not UTF-8": _text(b'{"a": "\xff\xfe"}'),
    "of another type": _text(b"[1, 2, 3]"),
    "a text": _text(b'"\\u001b[31m\\n::error::x"'),
    "infinite": _text(b'{"figures": Infinity, "a": NaN}'),
}


def _header(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + size])["__metadata__"]
    return {key: json.loads(value) if value[:1] in "[{" else value for key, value in header.items()}


def _weights(make: Callable[[bytes, dict[str, Any]], bytes]) -> Change:
    """Change the weights file, from the bytes of its tensors and its header."""

    def change(entry: Path, draw: random.Random) -> None:
        path = entry / "model.safetensors"
        content = path.read_bytes()
        (size,) = struct.unpack("<Q", content[:8])
        path.write_bytes(make(content[8 + size :], json.loads(content[8 : 8 + size])))

    return change


def _packed(header: bytes, tensors: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + tensors


def _dumped(header: dict[str, Any], tensors: bytes) -> bytes:
    return _packed(json.dumps(header).encode("utf-8", "surrogatepass"), tensors)


def _first(header: dict[str, Any], **changes: Any) -> dict[str, Any]:
    name = next(key for key in header if key != "__metadata__")
    return {**header, name: {**header[name], **changes}}


def _metadata(header: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**header, "__metadata__": {**header["__metadata__"], **changes}}


HEADERS: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {
    "of 95 MB": lambda t, h: _dumped(_metadata(h, padding="x" * 95_000_000), t),
    "of 30 MB in one spec": lambda t, h: _dumped(
        _metadata(h, spec='"' + "x" * 30_000_000 + '"'), t
    ),
    "deep spec": lambda t, h: _dumped(_metadata(h, spec='{"a":' * 50_000), t),
    "deep lock": lambda t, h: _dumped(_metadata(h, lock="[" * 50_000), t),
    "longer than the file": lambda t, h: _packed(json.dumps(h).encode(), t, 1 << 40),
    "of 2^63 bytes": lambda t, h: _packed(json.dumps(h).encode(), t, 1 << 63),
    "of no bytes": lambda t, h: _packed(b"", t),
    "not JSON": lambda t, h: _packed(b"{" * 1000, t),
    "a list": lambda t, h: _packed(b"[]", t),
    "no metadata": lambda t, h: _dumped({k: v for k, v in h.items() if k != "__metadata__"}, t),
    "metadata of numbers": lambda t, h: _dumped({**h, "__metadata__": {"spec": 1, "lock": 2}}, t),
    "metadata twice": lambda t, h: _packed(b'{"__metadata__":{},' + json.dumps(h).encode()[1:], t),
    "many tensors": lambda t, h: _dumped(
        {
            **h,
            **{
                f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                for n in range(99_999)
            },
        },
        t,
    ),
    "a vast shape": lambda t, h: _dumped(_first(h, shape=[1 << 31, 1 << 31, 1 << 31]), t),
    "a negative shape": lambda t, h: _dumped(_first(h, shape=[-1]), t),
    "a shape of text": lambda t, h: _dumped(_first(h, shape="x"), t),
    "many axes": lambda t, h: _dumped(_first(h, shape=[1] * 10_000), t),
    "offsets outside": lambda t, h: _dumped(_first(h, data_offsets=[0, 1 << 50]), t),
    "offsets backwards": lambda t, h: _dumped(_first(h, data_offsets=[10, 0]), t),
    "an unknown type": lambda t, h: _dumped(_first(h, dtype="X\x1b[31m"), t),
    "a tensor with a name that acts": lambda t, h: _dumped({**h, "\x1b[31m": h[next(iter(h))]}, t),
    "another format": lambda t, h: _dumped(_metadata(h, format="\x1b[31m"), t),
    "another digest": lambda t, h: _dumped(_metadata(h, digest="\x1b[31m\n::error::"), t),
    "cut short": lambda t, h: _dumped(h, t[: len(t) // 2]),
    "longer tensors": lambda t, h: _dumped(h, t + bytes(1000)),
    "not a number in every tensor": lambda t, h: _dumped(h, b"\xff" * len(t)),
}


def rename(entry: Path, name: str) -> None:
    """Rename a copied entry in its header."""
    _in_header(("spec", "name"), name)(entry, random.Random(0))


def _in_header(place: tuple[str | int, ...], value: Any) -> Change:
    def change(entry: Path, draw: random.Random) -> None:
        def make(tensors: bytes, header: dict[str, Any]) -> bytes:
            part = json.loads(header["__metadata__"][place[0]])
            _put(part, place[1:], value)
            return _dumped(_metadata(header, **{str(place[0]): json.dumps(part)}), tensors)

        _weights(make)(entry, draw)

    return change


def _put(data: Any, place: tuple[str | int, ...], value: Any) -> None:
    for part in place[:-1]:
        data = data[part]
    data[place[-1]] = value


def _places(data: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if place:
        yield place
    if isinstance(data, dict | list):
        for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _places(inner, (*place, key))


def _values_of(header: dict[str, Any], part: str) -> list[tuple[str, Change]]:
    """Replace each value in turn by one of another type."""
    places = list(_places(header[part]))
    return [
        (f"{part} {'.'.join(map(str, place))} = {value!r}"[:90], _in_header((part, *place), value))
        for number, place in enumerate(places)
        for value in (VALUES[number % len(VALUES)], VALUES[(number * 5 + 3) % len(VALUES)])
    ]


def _values_in_file(path: Path) -> list[tuple[str, Change]]:
    """Replace each value of a JSON file, or of the first line of JSON lines."""
    name, by_line = path.name, path.suffix == ".jsonl"

    def split(content: str) -> tuple[str, str]:
        first, line_end, others = content.partition("\n") if by_line else (content, "", "")
        return first, line_end + others

    def put(place: tuple[str | int, ...], value: Any) -> Change:
        def change(entry: Path, draw: random.Random) -> None:
            text, others = split((entry / name).read_text("utf-8"))
            content = json.loads(text)
            _put(content, place, value)
            (entry / name).write_text(json.dumps(content) + others, "utf-8")

        return change

    return [
        (f"{'.'.join(map(str, place))} = {value!r}"[:90], put(place, value))
        for number, place in enumerate(_places(json.loads(split(path.read_text("utf-8"))[0])))
        for value in (VALUES[number % len(VALUES)], VALUES[(number * 5 + 3) % len(VALUES)])
    ]


def _linked(target: str) -> Change:
    def change(entry: Path, draw: random.Random) -> None:
        shutil.rmtree(entry)
        entry.symlink_to(target)

    return change


def _deep(entry: Path, draw: random.Random) -> None:
    inner = entry / "/".join("d" * 400)
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")


def _many(entry: Path, draw: random.Random) -> None:
    for number in range(5_000):
        (entry / f"f{number}").touch()


def _odd_files(entry: Path, draw: random.Random) -> None:
    for name in NAMES:
        with contextlib.suppress(OSError):
            (entry / name).write_text("x")


def _odd_figures(entry: Path, draw: random.Random) -> None:
    for name in NAMES:
        with contextlib.suppress(OSError):
            (entry / "figures" / f"{name[:200]}.png").write_bytes(b"\x89PNG")


def _loops(entry: Path, draw: random.Random) -> None:
    (entry / "up").symlink_to("..")
    (entry / "self").symlink_to(".")
    (entry / "root").symlink_to("/")


FOLDERS: dict[str, Change] = {
    "a link to the root": _linked("/"),
    "a link to processes": _linked("/proc"),
    "a link to its zoo": _linked("."),
    "a link to itself": _linked("hostile"),
    "a link to devices": _linked("/dev"),
    "400 folders deep": _deep,
    "with 5,000 files": _many,
    "with files of odd names": _odd_files,
    "with pictures of odd names": _odd_figures,
    "with links to what holds it": _loops,
}


def remove(path: Path) -> None:
    """Delete a file, a link or a folder."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)
