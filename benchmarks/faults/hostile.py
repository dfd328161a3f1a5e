"""Read hostile entries, headers, links and names with every command that reads entries.

    python benchmarks/faults/hostile.py --seed 0

Each case changes a copy of the entry of one small model. Commands run in forks of one process that
has imported everything, so that only their own time and memory count. Failures are an undocumented
exit code, a traceback, more than ``SECONDS`` of processor time or ``MEGABYTES`` beyond those for
the valid entry, a hang, output with control characters or commands of a CI system, a change outside
the output folder, and a valid entry that is not listed.
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
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import Tally, is_unexplained, options, own_folder, vaezoo
from fuzz import ACTIVE, COMMAND
from hostile_cases import Change, every_case, remove, rename

SECONDS = 2.0
MEGABYTES = 300
_HANGS = 40


@dataclass(frozen=True)
class Ended:
    """A command's result, time and memory."""

    code: int
    out: str
    seconds: float
    megabytes: float


def main() -> int:
    """Try every case, or at most ``--count``."""
    given = options(__doc__ or "", count=10_000).parse_args()
    tally = Tally(given.seed)
    with own_folder() as top:
        folder = top / "work"  # its parent is watched for changes
        folder.mkdir()
        attack(tally, folder, random.Random(given.seed), given.count)
    return tally.report("hostile", given.out)


def attack(tally: Tally, folder: Path, draw: random.Random, count: int) -> None:
    """Try a random selection of at most ``count`` cases in a temporary folder."""
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
    """Import everything before forking; torch must not have started a thread."""
    import matplotlib.figure  # noqa: F401
    import torch  # noqa: F401

    import vaezoo.cli.main
    import vaezoo.components.visualizers.page_style
    import vaezoo.evaluation.verify
    import vaezoo.reports.write  # noqa: F401
    from vaezoo.registry import discover

    discover().components()


#: Commands that read an entry; NAME stands for the entry.
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
    """The resources that each command uses for the valid entry."""
    costs = {}
    for name, command in COMMANDS.items():
        costs[name] = ran(folder, command, good)
        assert costs[name].code in (0, 1), (name, costs[name])
    return costs


def tried(
    folder: Path, good: Path, change: Change, usual: dict[str, Ended], draw: random.Random
) -> Iterator[str]:
    """Problems of all commands on a zoo with one hostile entry."""
    zoo = folder / "zoo"
    hostile = zoo / "hostile"
    shutil.copytree(good, hostile)
    rename(hostile, "hostile")
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
                remove(path)
        remove(folder / "out")


def wrong(name: str, ended: Ended, usual: Ended) -> Iterator[str]:
    """Problems in a command's result."""
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
    """Run a command in a fork of this process, in the output folder."""
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
    """The files that no command may change, with times and sizes."""
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


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    sys.exit(main())
