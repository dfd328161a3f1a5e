"""Hostile entries, headers, links and names through every command that reads an entry.

    python benchmarks/faults/hostile.py --seed 0

One small model is trained; each case changes a copy of its entry. Commands run in forks of one
process that has everything imported, so that what they take is their own. What counts as fallen:
an exit code that is not documented, a traceback, more than ``SECONDS`` of processor time or
``MEGABYTES`` beyond what the command takes of the good entry, no end, text that acts on a
terminal or a CI system, anything changed outside of the folder for outputs, or a good entry
beside the hostile one that is not listed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import Tally, is_unexplained, options, own_folder, vaezoo
from fuzz import ACTIVE, COMMAND

SECONDS = 2.0
MEGABYTES = 300
_HANGS = 40
# ruff: noqa: E501
#: Unprintable, misleading, escaping and overlong.
NAMES = (
    "a\x1b[31m", "b\n::error::x", "\u202ec", "d\u200bd", "аdmin", "e\x9b2J", "f\t", "g\x7f", "h" * 255,
    "..i", "-j", "--help", "k ", "~l", "m$(x)", "n%0A", "o|p", "q`r`", "<script>", "s.safetensors",
    "CON", "t\ud83d".encode("utf-8", "replace").decode(), "##[add-mask]u", "v'\"", "ﬁ", "É", "e\u0301",
)  # fmt: skip
#: For a name that is recorded within a file.
RECORDED = (
    *NAMES, "../../outside", "/tmp/outside", "..", ".", "", "a/b", "a\\b", "a\x00b", "x" * 5000, 5, None,
    ["x"], {"x": 1}, True,
)  # fmt: skip
#: In place of what belongs somewhere in the data.
VALUES: tuple[Any, ...] = (
    None, True, -1, 10**400, 1e999, -1e999, float("nan"), "", "x\x1b[31m\n::error::x", [], {}, [[]], {"use": {}},
    "../../x",
)  # fmt: skip

Change = Callable[[Path, random.Random], None]


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it took."""

    code: int
    out: str
    seconds: float
    megabytes: float


def main() -> int:
    """Try every case, with ``--count`` at most."""
    given = options(__doc__ or "", count=10_000).parse_args()
    tally = Tally(given.seed)
    with own_folder() as top:
        folder = top / "work"  # what holds it is watched, and nobody else writes there
        folder.mkdir()
        attack(tally, folder, random.Random(given.seed), given.count)
    return tally.report("hostile", given.out)


def attack(tally: Tally, folder: Path, draw: random.Random, count: int) -> None:
    """Try at most ``count`` cases, drawn from all, in a folder that is ours."""
    good = trained(folder)
    warm()
    cases = [(kind, name, change) for kind, some in every_case(good) for name, change in some]
    chosen = sorted(draw.sample(range(len(cases)), min(count, len(cases))))
    usual = usual_costs(folder, good)
    for index in chosen:
        kind, name, change = cases[index]
        for what in tried(folder, good, change, usual, draw):
            tally.fell(kind, f"{name}: {what}")
        tally.tried(kind)


def trained(folder: Path) -> Path:
    """The entry of a small model, and its data."""
    import numpy as np
    from PIL import Image

    pictures = folder / "pictures"
    for name in "ab":
        (pictures / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
            Image.fromarray(pixels).save(pictures / name / f"{number}.png")
    dataset = {"use": "image_folder", "path": str(pictures), "height": 8, "channels": 1}
    layers = {"use": "mlp", "hidden": [4]}
    spec = {
        "vaezoo": 1,
        "name": "good",
        "summary": "a small model",
        "dataset": {**dataset, "test_fraction": 0.25},
        "model": {"latent": 2, "encoder": layers, "decoder": layers},
        "train": {"epochs": 1, "batch_size": 8, "validation": 0.2},
        "visualizers": ["samples"],
        "targets": [{"metric": "test/elbo", "value": -40, "tolerance": 100, "source": "here"}],
    }
    (folder / "good.json.yaml").write_text(json.dumps(spec))
    made = vaezoo("run", "good.json.yaml", "--zoo", "zoo", folder=folder, timeout=600)
    assert made.returncode == 0, made.stderr
    return folder / "zoo" / "good"


def warm() -> None:
    """Import whatever commands import, so that forks share it; torch must have started no thread."""
    import matplotlib.figure  # noqa: F401
    import torch  # noqa: F401

    import vaezoo.cli.main
    import vaezoo.components.visualizers.style
    import vaezoo.verification
    import vaezoo.writeup.write  # noqa: F401
    from vaezoo.registry import discover

    discover().components()


#: What reads an entry, by name: arguments with NAME in the entry's place.
COMMANDS: dict[str, tuple[str, ...]] = {
    "zoo list": ("zoo", "list"),
    "zoo list --json": ("zoo", "list", "--json"),
    "zoo show": ("zoo", "show", "NAME"),
    "zoo show --json": ("zoo", "show", "NAME", "--json"),
    "zoo show PATH": ("zoo", "show", "PATH"),
    "show": ("show", "NAME"),
    "why": ("why", "PATH", "train"),
    "diff": ("diff", "good", "PATH"),
    "sample": ("sample", "PATH", "--n", "1", "--device", "cpu"),
    "sample FILE": ("sample", "PATH/model.safetensors", "--n", "1", "--device", "cpu"),
    "draw": ("draw", "PATH", "samples", "--device", "cpu"),
    "evaluate": ("evaluate", "PATH", "--metrics", "elbo", "--device", "cpu"),
    "verify": ("verify", "PATH", "--device", "cpu"),
    "report": ("report", "PATH", "--device", "cpu"),
}


def usual_costs(folder: Path, good: Path) -> dict[str, Ended]:
    """What each command takes of the good entry."""
    costs = {}
    for name, command in COMMANDS.items():
        costs[name] = ran(folder, command, good)
        assert costs[name].code in (0, 1), (name, costs[name])
    return costs


def tried(
    folder: Path, good: Path, change: Change, usual: dict[str, Ended], draw: random.Random
) -> Iterator[str]:
    """What is wrong with how commands end, of a zoo with one hostile entry."""
    zoo = folder / "zoo"
    hostile = zoo / "hostile"
    shutil.copytree(good, hostile)
    _rename(hostile, "hostile")
    before = outside(folder)
    try:
        change(hostile, draw)
        changed = next((path for path in zoo.iterdir() if path != good), hostile)
        for name, command in COMMANDS.items():
            yield from wrong(name, ran(folder, command, changed), usual[name])
        if outside(folder) != before:
            yield "something outside was changed"
    finally:
        for path in zoo.iterdir():
            if path != good:
                _remove(path)
        _remove(folder / "out")


def wrong(name: str, ended: Ended, usual: Ended) -> Iterator[str]:
    """What is wrong with how a command ended."""
    if ended.code == -signal.SIGALRM:
        yield f"{name}: no end after {_HANGS} s"
        return
    if ended.code not in (0, 1, 2, 3):
        yield f"{name}: exit code {ended.code}: {ended.out[-300:]}"
    if is_unexplained(ended.out):
        yield f"{name}: {ended.out[-300:]}"
    if ended.seconds > usual.seconds + SECONDS:
        yield f"{name}: {ended.seconds:.1f} s, {usual.seconds:.1f} s of the good one"
    if ended.megabytes > usual.megabytes + MEGABYTES:
        yield f"{name}: {ended.megabytes:.0f} MB, {usual.megabytes:.0f} MB of the good one"
    acts = ACTIVE.search(ended.out) or COMMAND.search(ended.out)
    if acts:
        yield f"{name}: {acts[0]!r} is printed"
    if name == "zoo list" and (ended.code != 0 or "\ngood  " not in ended.out):
        yield f"{name}: the good entry is not listed"


def ran(folder: Path, command: tuple[str, ...], entry: Path) -> Ended:
    """A command in a fork of this process, in the folder for outputs."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    path = os.path.relpath(entry, out)
    arguments = [
        part.replace("PATH", path) if "PATH" in part else entry.name if part == "NAME" else part
        for part in command
    ]
    printed = folder / "printed"
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        _in_fork([*arguments, "--zoo", "../zoo"], out, printed)
    _, status, took = os.wait4(child, 0)
    seconds = min(took.ru_utime + took.ru_stime, time.perf_counter() - began)
    text = printed.read_bytes().decode("utf-8", "backslashreplace")
    return Ended(os.waitstatus_to_exitcode(status), text, seconds, took.ru_maxrss / 1024)


def _in_fork(arguments: list[str], folder: Path, printed: Path) -> None:
    code: Any = 99
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_HANGS)
        resource.setrlimit(resource.RLIMIT_CPU, (_HANGS, _HANGS))
        os.chdir(folder)
        os.environ.pop("VAEZOO_ZOO", None)
        file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for descriptor in (1, 2):
            os.dup2(file, descriptor)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(os.fdopen(number, "wb", 0), "utf-8", write_through=True)
            for number in (1, 2)
        )
        from vaezoo.cli import main as command

        command(arguments)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code if isinstance(code, int) else 98)


def outside(folder: Path) -> dict[str, tuple[int, int]]:
    """The files that no command may touch, with their times and sizes."""
    found = {}
    for top in (folder, folder / "pictures", folder / "zoo" / "good", folder.parent):
        with contextlib.suppress(OSError):
            for one in os.scandir(top):
                status = one.stat(follow_symlinks=False)
                if top in (folder, folder.parent) and one.is_dir(follow_symlinks=False):
                    found[one.path] = (0, 0)
                elif one.name != "printed" and top != folder.parent:
                    found[one.path] = (status.st_mtime_ns, status.st_size)
    return {name: what for name, what in found.items() if not name.endswith("/out")}


# -- cases ---------------------------------------------------------------------------------------


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
    for name in ("metrics.json", "history.json"):
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
        with contextlib.suppress(OSError):  # a name that this file system does not take
            entry.rename(entry.parent / name)

    return change


def _text(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def _copy_of_device(path: Path) -> None:
    if os.geteuid() == 0:
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # zeros without end
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
    """A change of the weights file: from its tensors' bytes and its header."""

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


def _rename(entry: Path, name: str) -> None:
    """Make an entry's copy one by another name, as far as its header says it."""
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
    """Each value in turn becomes one that does not belong there."""
    places = list(_places(header[part]))
    return [
        (f"{part} {'.'.join(map(str, place))} = {value!r}"[:90], _in_header((part, *place), value))
        for number, place in enumerate(places)
        for value in (VALUES[number % len(VALUES)], VALUES[(number * 5 + 3) % len(VALUES)])
    ]


def _values_in_file(path: Path) -> list[tuple[str, Change]]:
    data, name = json.loads(path.read_bytes()), path.name

    def put(place: tuple[str | int, ...], value: Any) -> Change:
        def change(entry: Path, draw: random.Random) -> None:
            content = json.loads((entry / name).read_bytes())
            _put(content, place, value)
            (entry / name).write_text(json.dumps(content))

        return change

    return [
        (f"{'.'.join(map(str, place))} = {value!r}"[:90], put(place, value))
        for number, place in enumerate(_places(data))
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


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    sys.exit(main())
