"""The cases of ``resources.py``: commands with limited resources, by part."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

RUN = ("run", "spec.yaml", "--device", "cpu", "--zoo", "new")
READING = {
    "zoo list": ("zoo", "list"),
    "zoo show": ("zoo", "show", "tiny"),
    "validate": ("validate", "spec.yaml"),
    "show": ("show", "tiny"),
    "why": ("why", "spec.yaml", "train"),
    "diff": ("diff", "tiny", "spec.yaml", "--set", "loss.beta=2"),
    "explain": ("explain", "VZ412"),
    "plugins show": ("plugins", "show", "loss:elbo"),
    "plugins list": ("plugins", "list"),
    "doctor": ("doctor",),
    "schema": ("schema",),
    "json": ("zoo", "list", "--json"),
}
WRITING = {
    "run": RUN,
    "sample": ("sample", "tiny", "--n", "2000", "--out", "new/a.npy", "--device", "cpu"),
    "sample png": ("sample", "tiny", "--n", "2000", "--out", "new/a.png", "--device", "cpu"),
    "draw": ("draw", "tiny", "samples", "--out", "new", "--device", "cpu"),
    "evaluate": ("evaluate", "tiny", "--device", "cpu"),
    "record": ("evaluate", "tiny", "--record", "--zoo", "copy", "--device", "cpu"),
}
#: Sets limits after importing torch, which needs more, then runs vaezoo.
LIMITED = """
import resource, sys
import torch, vaezoo.cli.commands, vaezoo.model, vaezoo.training, vaezoo.evaluation
import vaezoo.plotting.png
torch.zeros(8, 8) @ torch.zeros(8, 8)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
most = used + int(sys.argv[1]) * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (most, most))
from vaezoo.cli import main
main(sys.argv[2:])
"""
#: Drops the right of root to read and write everything.
WITHOUT_RIGHTS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    if os.geteuid() == 0 and libc.prctl(24, right, 0, 0, 0):  # PR_CAPBSET_DROP
        sys.exit("root cannot give its rights up here")
os.execv(sys.executable, [sys.executable, "-m", "vaezoo", *sys.argv[1:]])
"""
NAMELESS = (
    "setpriv --reuid=54321 --regid=54321 --clear-groups "
    "--inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "
    "--bounding-set=-all,+dac_read_search env -u HOME -u VAEZOO_CACHE"
)


@dataclass(frozen=True)
class Case:
    """A command in a shell ``form``, where ``{}`` stands for it, and its allowed exit codes."""

    name: str
    command: str
    codes: frozenset[int]
    form: str = "{}"
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], object] = lambda folder: None
    said: str = ""


def vaezoo_command(*arguments: str) -> str:
    return shlex.join([sys.executable, "-m", "vaezoo", *arguments])


def python_command(program: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", program, *arguments])


def streams() -> Iterator[Case]:
    """Closed, full and non-UTF-8 standard streams, and readers that close early."""
    forms = ("{} >&-", "{} 2>&-", "{} >&- 2>&- <&-", "{} 2>/dev/full", "{} 2>&1 | head -1")
    for (name, arguments), form in itertools.product({**READING, "run": RUN}.items(), forms):
        fine = {1} if name == "diff" and "|" not in form else {0}
        yield Case(f"{name} {form}", vaezoo_command(*arguments), frozenset(fine), form)
    for name, arguments in READING.items():
        ends = frozenset({1} if name == "diff" else {3})
        said = "VZ503"
        yield Case(
            f"{name} >/dev/full", vaezoo_command(*arguments), ends, "{} >/dev/full", said=said
        )
    for name, arguments in WRITING.items():
        ends = frozenset({3} if name == "evaluate" else {0})
        yield Case(f"{name} >/dev/full", vaezoo_command(*arguments), ends, "{} >/dev/full")
    encodings = ("cp1252", "ascii", "latin-1", "ascii:strict")
    for (name, arguments), encoding in itertools.product(READING.items(), encodings):
        variables = {"PYTHONIOENCODING": encoding}
        ends = frozenset({1} if name == "diff" else {0})
        yield Case(f"{name} {encoding}", vaezoo_command(*arguments), ends, "{}", variables)
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    for name, arguments in {**READING, "run": RUN}.items():
        ends = frozenset({1} if name == "diff" else {0})
        yield Case(f"{name} LC_ALL=C", vaezoo_command(*arguments), ends, "{}", plain)


def disk() -> Iterator[Case]:
    """Limits on file size, and full disks of several sizes."""
    for (name, arguments), blocks in itertools.product(WRITING.items(), (0, 1, 2, 4, 8, 16, 64)):
        form = f"ulimit -f {blocks}; {{}}"
        yield Case(
            f"{name} ulimit -f {blocks}", vaezoo_command(*arguments), frozenset({0, 3}), form
        )
    if not can_mount():
        print("skipped: full disks, which need a private mount namespace")
        return
    for (name, arguments), size in itertools.product(WRITING.items(), (4, 16, 32, 64, 256)):
        there = [argument.replace("new", "full/new") for argument in arguments]
        there = [argument.replace("copy", "full/copy") for argument in there]
        inside = f"mount -t tmpfs -o size={size}k none full; cp -r copy full/; exec {{}}"
        form = f"unshare -m bash -c {shlex.quote(inside)}"
        command = vaezoo_command(*there)
        yield Case(f"{name} on {size} kB", command, frozenset({0, 2, 3}), form)


def memory() -> Iterator[Case]:
    """Little memory besides that of torch."""
    large = {
        "sample": ("sample", "tiny", "--n", "19000", "--out", "new/a.png", "--device", "cpu"),
        "sample npy": ("sample", "tiny", "--n", "200000", "--out", "new/a.npy", "--device", "cpu"),
        "evaluate": ("evaluate", "tiny", "--iw", "3000", "--device", "cpu"),
        "run": (*RUN, "--set", "model.encoder.hidden=[4000, 2000]", "--compile", "off"),
        "verify": ("verify", "tiny", "--device", "cpu"),
    }
    for (name, arguments), megabytes in itertools.product(large.items(), (2, 20, 60, 150)):
        command = python_command(LIMITED, str(megabytes), *arguments)
        yield Case(f"{name} with {megabytes} MB", command, frozenset({0, 3}), said="VZ607")


def files() -> Iterator[Case]:
    """Few open files."""
    for (name, arguments), most in itertools.product(
        {**READING, **WRITING}.items(), (6, 8, 10, 12, 16, 24)
    ):
        form = f"ulimit -n {most}; {{}}"
        ends = frozenset({0, 1, 2, 3})
        yield Case(f"{name} ulimit -n {most}", vaezoo_command(*arguments), ends, form)


def permissions() -> Iterator[Case]:
    """Folders and files without write or read permission, for a user other than root."""

    def closed(*names: str, mode: int = 0o500) -> Callable[[Path], object]:
        def close(folder: Path) -> None:
            for name in names:
                (folder / name).chmod(mode)

        return close

    for name, arguments in WRITING.items():
        ends = frozenset({0} if name == "evaluate" else {3})
        command = python_command(WITHOUT_RIGHTS, *arguments)
        yield Case(f"{name} into a closed folder", command, ends, prepare=closed("new", "copy"))
    unreadable = {
        "run": (RUN, "spec.yaml", {1}),
        "sample": (WRITING["sample"], "zoo/tiny/model.safetensors", {3}),
        "zoo show": (READING["zoo show"], "zoo/tiny/metrics.json", {3}),
        "evaluate": (WRITING["evaluate"], "zoo/tiny", {2, 3}),
        "plugin": (READING["plugins list"], "plugin.py", {0}),
    }
    for name, (arguments, path, codes) in unreadable.items():
        command = python_command(WITHOUT_RIGHTS, *arguments)
        yield Case(
            f"{name} of what may not be read",
            command,
            frozenset(codes),
            prepare=closed(path, mode=0),
        )


def users() -> Iterator[Case]:
    """No HOME, no entry in passwd, no cache folder, a home without write permission."""
    unnamed = os.geteuid() == 0 and shutil.which("setpriv") is not None
    if not unnamed:
        print("passed over: a user without a name, which needs root and setpriv")
    for name, arguments in {**READING, **WRITING}.items():
        fine = frozenset({1} if name == "diff" else {0})
        command = vaezoo_command(*arguments)
        yield Case(f"{name} without HOME", command, fine, "env -u HOME {}")
        nowhere = {"HOME": "/dev/null/home", "VAEZOO_CACHE": ""}
        yield Case(f"{name} with HOME nowhere", command, fine, "{}", nowhere)
        if unnamed:
            yield Case(
                f"{name} by nobody's name", command, fine, f"{NAMELESS} {{}}", prepare=open_up
            )


def names() -> Iterator[Case]:
    """Invalid names and numbers, ~, and a working directory that was deleted."""
    long, large = "n" * 300, str(2**70)
    usage = {
        f"sample {long}": {2},
        f"sample {long}.safetensors": {2},
        f"sample tiny --out {long}.png": {3},
        f"zoo list --zoo {long}": {2},
        f"zoo show {long}": {2},
        f"zoo restore {long}": {2},
        f"validate {long}.yaml": {1},
        f"show {long}": {2},
        f"run {long}.yaml": {1},
        f"run spec.yaml --zoo {long}": {3},
        f"report tiny --out {long}.html": {3},
        f"draw tiny --out {long}": {3},
        f"schema --output {long}": {3},
        f"plugins check {long}": {1, 2, 3},
        f"plugins new {long}": {2},
        f"--plugin {long}.py zoo list": {0, 1},
        f"sample tiny --n {large}": {2},
        f"sample tiny --n {2**62} --format npy": {3},
        f"sample tiny --n {2**62}": {2},
        f"sample tiny --seed {large}": {2},
        f"evaluate tiny --iw {large}": {2},
        f"verify tiny --samples {large}": {2},
        f"run spec.yaml --set train.epochs={large}": {1},
        f"run spec.yaml --set train.batch_size={large}": {1},
        f"run spec.yaml --set model.encoder.hidden=[{large}]": {1},
        f"run spec.yaml --set model.encoder.hidden=[{2**62}]": {3},
        f"run spec.yaml --set name={long}": {1},
        "sample tiny --n 1 --out ~/a.png": {0},
        "sample ~nobody-there/a.safetensors": {2},
        "zoo list --zoo ~/none": {2},
    }
    for words, codes in usage.items():
        command = vaezoo_command(*words.split())
        yield Case(f"{words[:60]}", command, frozenset(codes), environment={"HOME": "home"})
    for name, arguments in {**READING, **WRITING}.items():
        form = "mkdir gone; cd gone; rmdir ../gone; {}"
        command = vaezoo_command(*arguments)
        yield Case(f"{name} where nothing is", command, frozenset({2}), form)


def open_up(folder: Path) -> None:
    """Give everybody write permission."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def can_mount() -> bool:
    """Whether this user may make a mount namespace."""
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-m", "true"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


PARTS = {part.__name__: part for part in (streams, disk, memory, files, permissions, users, names)}
