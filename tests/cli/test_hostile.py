"""Whatever lies where a spec should be, ``vaezoo validate`` soon ends with a finding.

CPU time and memory are measured on processes of their own: at most ``TIMES`` the CPU time of
validating a good spec, and ``MEGABYTES``. The many other cases share this process.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import vaezoo
from tests.spec.conftest import GOOD
from vaezoo.diagnostics.output import FORMATS, formatted
from vaezoo.spec import survey

TIMES = 5
MEGABYTES = 300
PATIENCE = 60  # for a process that hangs, on a machine that is busy

#: Starts a command and prints how it ended and what it took. A process counts the pages of the
#: one that it was forked from, so that one must be small: a Python with nothing imported. Root
#: may read every file, unless it has given that right up.
LAUNCHER = """
import json, os, resource, subprocess, sys
if sys.argv[1] == "without rights" and os.geteuid() == 0:
    import ctypes
    libc = ctypes.CDLL(None)
    for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, right, 0, 0, 0):  # PR_CAPBSET_DROP
            sys.exit("root cannot give its rights up here")
done = subprocess.run(sys.argv[3:], stdin=subprocess.DEVNULL, capture_output=True,
                      timeout=float(sys.argv[2]))
took = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout.decode(), done.stderr.decode(),
                  took.ru_utime + took.ru_stime, took.ru_maxrss]))
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it took."""

    code: int
    out: str
    err: str
    seconds: float  # of CPU time
    megabytes: float

    def findings(self) -> list[dict[str, object]]:
        """The findings, of a process that ended as it should."""
        assert self.err == ""
        assert self.code == 1
        assert self.seconds < TIMES * seconds_of_a_good_spec()
        assert self.megabytes < MEGABYTES
        findings = json.loads(self.out)["findings"]
        assert isinstance(findings, list)
        return findings


def launched(folder: Path, rights: str, *command: str) -> Ended:
    """A command in a process of its own."""
    launcher = [sys.executable, "-S", "-c", LAUNCHER, rights, str(PATIENCE), *command]
    done = subprocess.run(launcher, cwd=folder, capture_output=True, text=True, check=False)
    if "cannot give its rights up" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stderr == ""
    code, out, err, seconds, size = json.loads(done.stdout)
    return Ended(code, out, err, seconds, size / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def validated(folder: Path, *paths: str, rights: str = "with all rights") -> Ended:
    """``vaezoo validate`` as people run it."""
    command = [sys.executable, "-m", "vaezoo", "validate", "--format", "json", *paths]
    return launched(folder, rights, *command)


@cache
def seconds_of_a_good_spec() -> float:
    """The CPU seconds of ``vaezoo validate`` on a good spec."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "good.yaml").write_text(GOOD)
        return validated(Path(folder), "good.yaml").seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "specs"
    inner.mkdir()
    return inner


def test_each_process_measures_its_own_cost(folder: Path) -> None:
    """This process is large; the small one does not count it."""
    little = launched(folder, "with all rights", sys.executable, "-S", "-c", "pass")
    much = "x = bytearray(200 << 20); x[::4096] = b'1' * len(x[::4096])"
    large = launched(folder, "with all rights", sys.executable, "-S", "-c", much)
    assert little.megabytes < 30
    assert 200 < large.megabytes < 240


#: What is written in place of a spec, and a finding that it must have.
TEXTS: dict[str, tuple[bytes, str]] = {
    "five megabytes": (b"# " + b"x" * (5 << 20), "VZ106"),
    "five megabytes of a spec": (GOOD.encode() + b"summary: x\n" * (5 << 17), "VZ106"),
    "nested in brackets": (b"a: " + b"[" * 10_000 + b"]" * 10_000, "VZ107"),
    "nested in braces": (b"a: " + b"{a: " * 10_000 + b"}" * 10_000, "VZ107"),
    "nested in lines": (b"".join(b" " * d + b"a:\n" for d in range(1_000)), "VZ107"),
    "nested lists in one line": (b"- " * 10_000, "VZ107"),
    "alias bomb": (
        b"a: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefghij"
        ),
        "VZ106",
    ),
    "many values": (b"a: [" + b"1," * 200_000 + b"]", "VZ106"),
    "many keys": (b"".join(b"k%d: 1\n" % n for n in range(9_000)), "VZ201"),
    "one key many times": (b"name: x\n" * 9_000, "VZ104"),
    "long key": (b"k" * 100_000 + b": 1\n", "VZ"),
    "long value": (GOOD.encode().replace(b"mlp", b"m" * 900_000, 1), "VZ301"),
    "long number": (GOOD.encode().replace(b"400", b"4" * 900_000, 1), "VZ103"),
    "long text": (GOOD.encode() + b"summary: " + b"s" * 900_000, "VZ204"),
    "long line of keys": (b"{" + b"a: 1, " * 5_000 + b"}", "VZ104"),
    "large matrix": (
        GOOD.encode()
        + b"matrix: {model.latent: [%s], train.seed: [%s]}"
        % ((b",".join(map(b"%d".__mod__, range(1, 66))),) * 2),
        "VZ",
    ),
    "not UTF-8": (GOOD.encode() + b"summary: d\xe9j\xe0 vu\n", "VZ102"),
    "UTF-16": (GOOD.encode("utf-16"), "VZ102"),
    "NUL byte": (GOOD.encode() + b"summary: a\x00b\n", "VZ103"),
    "only NULs": (bytes(1 << 20), "VZ103"),
    "empty": (b"", "VZ108"),
    "tabs": (b"a:\n" + b"\tb: 1\n" * 100_000, "VZ103"),
    "line breaks": (b"\n" * (1 << 20), "VZ108"),
    "blanks": (b" " * (1 << 20), "VZ108"),
    "question marks": (b"? " * 10_000, "VZ"),
    "colons": (b":" * (1 << 20), "VZ"),
    "documents": (b"---\n" * 200_000, "VZ108"),
    "quotes": (b"a: '" + b"''" * 500_000, "VZ103"),
    "escapes": (b'a: "' + b"\\n" * 500_000, "VZ103"),
    "anchors": (b"a: [" + b"&x 1, " * 100_000 + b"]", "VZ106"),
    "merge keys": (b"a: &a {b: 1}\n" + b"<<: *a\n" * 9_000, "VZ103"),
    "random bytes": (b"\x8d\xfe\x00" * 100_000, "VZ102"),
    "extends itself": (b"extends: spec.yaml\n" + GOOD.encode(), "VZ206"),
    "extends the root": (b"extends: ../../../../../etc/passwd\n" + GOOD.encode(), "VZ206"),
    "extends a device": (b"extends: /dev/zero\n" + GOOD.encode(), "VZ206"),
}


#: Those of them that are measured.
MEASURED = [
    "five megabytes",
    "five megabytes of a spec",
    "nested in brackets",
    "nested in lines",
    "alias bomb",
    "many values",
    "large matrix",
    "not UTF-8",
    "only NULs",
]


@pytest.mark.parametrize("case", MEASURED)
def test_a_hostile_text_costs_little(case: str, folder: Path) -> None:
    content, code = TEXTS[case]
    (folder / "spec.yaml").write_bytes(content)
    assert code in {str(f["code"])[: len(code)] for f in validated(folder, "spec.yaml").findings()}


@pytest.mark.slow
@pytest.mark.parametrize("case", TEXTS)
def test_a_hostile_text_is_a_finding(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    content, code = TEXTS[case]
    Path("spec.yaml").write_bytes(content)
    began = time.process_time()
    report = survey("spec.yaml")
    # three times as much here: this process holds the objects of other tests
    assert time.process_time() - began < 3 * TIMES * seconds_of_a_good_spec()
    assert report.errors
    assert any(finding.code.startswith(code) for finding in report.diagnostics)
    assert all(formatted(report, name) for name in FORMATS)
    for one in vaezoo.repair("spec.yaml"):
        one.write()
    assert vaezoo.repair("spec.yaml") == ()


def a_directory(path: Path) -> None:
    path.mkdir()


def a_directory_of_specs(path: Path) -> None:
    path.mkdir()
    (path / "inner.yaml").write_text(GOOD)


def a_broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_circle_of_links(path: Path) -> None:
    path.symlink_to("other.yaml")
    path.with_name("other.yaml").symlink_to(path.name)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(path.parent, os.O_RDONLY)
        try:  # a socket's name may not be long
            listener.bind(f"/proc/self/fd/{here}/{path.name}")
        finally:
            os.close(here)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def an_endless_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def nothing(path: Path) -> None:
    """It was removed between being listed and being read."""


FILES = {
    a_directory: ("VZ101", "a directory"),
    a_directory_of_specs: ("VZ101", "a directory"),
    a_broken_link: ("VZ101", "a broken link"),
    a_circle_of_links: ("VZ101", "too many levels of symbolic links"),
    a_pipe: ("VZ101", "a pipe"),
    a_device: ("VZ101", "a device"),
    an_endless_file: ("VZ106", "larger than"),
    nothing: ("VZ101", "no such file"),
}
if sys.platform == "linux":
    FILES[a_socket] = ("VZ101", "socket")


@pytest.mark.slow
@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_what_is_no_file_costs_little(make: Callable[[Path], None], folder: Path) -> None:
    code, words = FILES[make]
    make(folder / "spec.yaml")
    (finding,) = validated(folder, "spec.yaml").findings()
    assert finding["code"] == code
    assert words in str(finding["message"])


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_missing_file_among_specs_is_a_finding(
    make: Callable[[Path], None], folder: Path
) -> None:
    make(folder / "spec.yaml")
    (folder / "good.yaml").write_text(GOOD)
    wanted = set() if make is nothing else {FILES[make][0]}
    assert {finding.code for finding in vaezoo.validate(folder)} == wanted
    assert vaezoo.repair(folder) == ()


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_base_that_is_not_a_file_is_a_finding(make: Callable[[Path], None], folder: Path) -> None:
    make(folder / "_base.yaml")
    heir = folder / "heir.yaml"
    heir.write_text("extends: _base.yaml\nname: heir\n")
    (finding,) = vaezoo.validate(heir)
    assert finding.code in ("VZ101", "VZ106", "VZ206")
    assert vaezoo.repair(heir) == ()


@pytest.fixture
def closed(folder: Path) -> Iterator[Callable[[str], None]]:
    """Takes all permissions from a file or folder, until the test ends."""
    paths: list[Path] = []

    def close(name: str) -> None:
        paths.append(folder / name)
        paths[-1].chmod(0o000)

    yield close
    for path in paths:
        path.chmod(0o700)


def refused(folder: Path, path: str) -> str:
    """The message of the one finding, for somebody without rights of root."""
    (finding,) = validated(folder, path, rights="without rights").findings()
    assert finding["code"] == "VZ101"
    return str(finding["message"])


def test_a_file_that_may_not_be_read(folder: Path, closed: Callable[[str], None]) -> None:
    (folder / "spec.yaml").write_text(GOOD)
    closed("spec.yaml")
    for path in ("spec.yaml", "."):
        assert refused(folder, path).endswith("spec.yaml cannot be read: permission denied")


@pytest.mark.slow
def test_a_folder_that_may_not_be_listed(folder: Path, closed: Callable[[str], None]) -> None:
    (folder / "good.yaml").write_text(GOOD)
    (folder / "inner").mkdir()
    closed("inner")
    for path in (".", "inner", "**/*.yaml"):
        assert refused(folder, path).endswith("inner cannot be read: permission denied")


def test_a_base_that_may_not_be_read(folder: Path, closed: Callable[[str], None]) -> None:
    (folder / "_base.yaml").write_text(GOOD)
    (folder / "spec.yaml").write_text("extends: _base.yaml\nname: x\n")
    closed("_base.yaml")
    assert refused(folder, ".").endswith("_base.yaml cannot be read: permission denied")


@pytest.mark.slow
def test_folders_that_link_to_each_other(folder: Path) -> None:
    for name in "abcdef":
        (folder / name).mkdir()
        for other in "abcdef":
            (folder / name / f"to_{other}").symlink_to(f"../{other}")
    (folder / "a" / "bad.yaml").write_text("vaezoo: 2\n")
    for path in (".", "**/*.yaml", "**"):
        places = [finding["place"] for finding in validated(folder, path).findings()]
        assert {os.path.normpath(place["file"]) for place in places} == {"a/bad.yaml"}


DEPTH = 1_100  # more than Python's calls may nest


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """The innermost of very many folders, made and removed without recursion."""
    names = [folder / "/".join("d" * depth) for depth in range(1, DEPTH + 1)]
    for path in names:
        path.mkdir()
    yield names[-1]
    for path in reversed(names):
        shutil.rmtree(path)


@pytest.mark.slow
def test_folders_without_end(folder: Path, deep: Path) -> None:
    (deep / "bad.yaml").write_text("vaezoo: 2\n")
    for path in (".", "**/*.yaml"):
        codes = {finding["code"] for finding in validated(folder, path).findings()}
        assert "VZ205" in codes


def test_a_bad_base_of_hundreds_is_one_finding(folder: Path) -> None:
    (folder / "_base.yaml").write_text(GOOD.replace("epochs: 3", "epochs: 0"))
    for number in range(300):
        (folder / f"s{number}.yaml").write_text(f"extends: _base.yaml\nname: s{number}\n")
    (finding,) = validated(folder, ".").findings()
    assert len(finding["related"]) == 300  # type: ignore[arg-type]
