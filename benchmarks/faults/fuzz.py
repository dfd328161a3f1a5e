"""Validate mutated specs: every finding must have a position.

    python benchmarks/faults/fuzz.py --seed 0 --count 10000

All mutations of this repository's specs run in one process. Failures are an exit code other than
0, 1 or 2, a traceback, more than ``SECONDS`` of processor time, a finding without a location, and
output with control characters or commands of a CI system.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import Tally, is_unexplained, options, own_folder

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 2.0
#: Timeout of a validation, in seconds.
_HANGS = 30
_FORMATS = ("json", "text", "github", "sarif", "junit")
#: Active text: control characters, direction marks, invisible characters, GitHub commands.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
COMMAND = re.compile(r"^[^\S\n]*::(?!error |warning |group::|stop-|endgroup|[0-9a-f]{32})", re.M)

# fmt: off
# ruff: noqa: E501
PIECES = [
    b"\n", b"\r\n", b"\t", b" ", b"  ", b"\xef\xbb\xbf", b"\x00", b"\xff", b"\xc2\x85", b"\xc2\xa0",
    b"\xe2\x80\xa8", b"\xed\xa0\x80", b"- ", b"? ", b":", b": ", b" #", b"[", b"]", b"{", b"}", b",",
    b"|\n", b">+\n", b"---\n", b"...\n", b"&a ", b"*a", b"<<: *a", b"!!str ", b"!!python/name:os ",
    b"%YAML 1.1\n", b"'", b'"', b"\\", b'"C:\\U"', b"null", b".nan", b"-.inf", b"0x1", b"1e999",
    b"9" * 30, b"true", b"yes", b"-1", b"1e-3", b"1_000", b"1:30", b"2026-01-01",
    "а".encode(), "１".encode(), "“".encode(), "–".encode(), "\u200b".encode(), "\u202e".encode(),
    b"vaezoo: 1\n", b"name: x\n", b"extends: .\n", b"extends: spec.yaml\n", b"extends: [a, ../b]\n",
    b"matrix:\n  loss.beta: [1, 2]\n", b"matrix: {model: []}\n", b"use: ", b"mlp", b"model: ",
    b"train:\n  epochs: 1\n", b"{linear: [0, 1], epochs: 3}", b"ignore: [VZ412]\n", b"targets: ",
    b"::error::x\n", b"##[add-mask]x", b"<script>", b'"\\e[31m"', b'"\\n::error::x"',
]
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**40, 0.0, -0.0, 0.5, 1e-308, 1e308, "", "x",
    "1", "mlp", "vaezoo:mlp", "no:mlp", "a" * 500, "\x1b[31m", "\u202e", "а", "..", "../x", "/dev/zero",
    [], {}, [[]], [1], [1, "x"], ["mlp"], {"use": "mlp"}, {"use": None}, {"use": ["mlp"]},
    {"linear": [0, 1], "epochs": 2}, {"linear": [0], "epochs": 2}, {"steps": ["x"], "epochs": 1},
]
# fmt: on


@dataclass(frozen=True)
class Ended:
    """The result of a validation."""

    code: object
    out: str
    err: str
    seconds: float


def main() -> int:
    """Try ``--count`` mutations."""
    given = options(__doc__ or "", count=10_000).parse_args()
    tally = Tally(given.seed)
    fuzz(tally, random.Random(given.seed), given.count)
    return tally.report("fuzz", given.out)


def fuzz(tally: Tally, draw: random.Random, count: int) -> None:
    """Try mutations in a temporary folder and count them."""
    specs = sorted([*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests/bad_specs").glob("*.yaml")])
    contents = [content for path in specs if len(content := path.read_bytes()) < 4000]
    with own_folder() as folder, contextlib.chdir(folder):
        for number in range(count):
            name, mutate = draw.choice(list(MUTATIONS.items()))
            content = mutate(draw, contents)
            form = _FORMATS[number % len(_FORMATS)]
            tally.tried(name)
            for what in wrong(content, form):
                tally.fell(name, f"{what}, --format {form}: {content[:2000]!r}")


def wrong(content: bytes, form: str) -> Iterator[str]:
    """Problems in the validation of a text."""
    Path("spec.yaml").write_bytes(content)
    try:
        ended = validated("spec.yaml", "--format", form)
    except TimeoutError:
        yield f"no end after {_HANGS} s"
        return
    if ended.code not in (0, 1, 2):
        yield f"exit code {ended.code}"
    if is_unexplained(ended.out + ended.err):
        yield f"a fault in vaezoo: {ended.err[-500:]}"
    if ended.seconds > SECONDS:
        yield f"{ended.seconds:.1f} s"
    acts = ACTIVE.search(ended.out + ended.err) or COMMAND.search(ended.out)
    if acts:
        yield f"{acts[0]!r} is printed"
    if form == "json" and ended.code in (0, 1):
        findings = json.loads(ended.out)["findings"]
        if not all(one["place"] and one["place"]["start"]["line"] >= 1 for one in findings):
            yield "a finding without a place"
        errors = any(one["severity"] == "error" for one in findings)
        if errors != (ended.code == 1):
            yield f"exit code {ended.code} with {len(findings)} findings"


def validated(*arguments: str) -> Ended:
    """``vaezoo validate`` in this process. Raises TimeoutError."""
    from vaezoo.cli import main as vaezoo

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    code: object = None
    with limited(_HANGS), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        began = time.process_time()
        try:
            vaezoo(["validate", *arguments])
        except SystemExit as end:
            code = end.code
        seconds = time.process_time() - began
    return Ended(code, _text(out), _text(err), seconds)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "backslashreplace")


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in a block that takes longer."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _bytes(draw: random.Random, contents: list[bytes]) -> bytes:
    content = bytearray(draw.choice(contents))
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(content) + 1)
        gone = draw.choice((0, 0, 1, 1, 2, 5, 20))
        new = draw.choice((b"", draw.randbytes(draw.randint(1, 3)), draw.choice(PIECES)))
        content[place : place + gone] = new
    return bytes(content)


def _pieces(draw: random.Random, contents: list[bytes]) -> bytes:
    return b"".join(draw.choice(PIECES) for _ in range(draw.randint(0, 25)))


def _lines(draw: random.Random, contents: list[bytes]) -> bytes:
    lines = draw.choice(contents).splitlines(keepends=True)
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(lines) + 1)
        match draw.randrange(5):
            case 0:
                del lines[place : place + draw.randint(1, 3)]
            case 1:
                lines.insert(place, draw.choice(lines or [b"\n"]))
            case 2:
                lines.insert(place, draw.choice(draw.choice(contents).splitlines(keepends=True)))
            case 3:
                draw.shuffle(lines)
            case _:
                lines[place:] = [draw.choice((b" ", b"\t", b"  - ")) + one for one in lines[place:]]
    return b"".join(lines)


def _splice(draw: random.Random, contents: list[bytes]) -> bytes:
    one, other = draw.choice(contents), draw.choice(contents)
    return one[: draw.randrange(len(one) + 1)] + other[draw.randrange(len(other) + 1) :]


def _values(draw: random.Random, contents: list[bytes]) -> bytes:
    """A spec with valid text and invalid data."""
    data = _data(draw, contents)
    for _ in range(draw.randint(1, 4)):
        _change(draw, data)
    return json.dumps(data, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _change(draw: random.Random, data: Any) -> None:
    """Change one value, key or item somewhere in the data."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        if not keys:
            return
        key = draw.choice(keys)
        inner = data[key]
        if isinstance(inner, dict | list) and inner and draw.random() < 0.7:
            data = inner
            continue
        match draw.randrange(4):
            case 0:
                del data[key]
            case 1 if isinstance(data, dict):
                data[f"{key}{draw.choice(('s', '_', 'а', chr(0x200B), ' '))}"] = data.pop(key)
            case _:
                data[key] = json.loads(json.dumps(draw.choice(VALUES)))
        return


def _data(draw: random.Random, contents: list[bytes]) -> Any:
    import yaml

    while True:
        content = draw.choice(contents)
        if b"&" in content:  # without aliases, such a spec would fill the memory
            continue
        try:
            data = yaml.safe_load(content)
            return json.loads(json.dumps(data)) if isinstance(data, dict) else {"vaezoo": 1}
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            continue


Mutate = Callable[[random.Random, list[bytes]], bytes]
MUTATIONS: dict[str, Mutate] = {
    "bytes": _bytes,
    "pieces": _pieces,
    "lines": _lines,
    "two specs in one": _splice,
    "values": _values,
}


if __name__ == "__main__":
    os.environ.setdefault("VAEZOO_DISABLE_PLUGINS", "*")
    sys.exit(main())
