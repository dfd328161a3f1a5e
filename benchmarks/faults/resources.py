"""Run vaezoo with limited disk, memory, files, permissions, home folder and streams.

    python benchmarks/faults/resources.py
    python benchmarks/faults/resources.py --part streams --part signals --count 40

Each case runs a command in a new process with a limited resource. It must end with a documented
exit code and an error message, leave no partial file, and not change an existing entry. ``--seed``
selects at most ``--count`` cases of each part.

Runs in a new folder. Parts that need root (a user without a name) or a private mount namespace (a
full disk) are skipped without them, with a message.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from common import Tally, is_unexplained, options, own_folder
from resource_cases import PARTS, WRITING, Case, vaezoo_command

#: A dataset of 96 images of 6 × 6 pixels, for fast runs.
PLUGIN = '''
import hashlib

from vaezoo import Dataset, ImageData, ImageShape, Split, hookimpl

class Squares(Dataset, use="squares"):
    """Gray squares."""

    @property
    def image_shape(self):
        return ImageShape(1, 6, 6)

    def build(self):
        import torch
        generator = torch.Generator().manual_seed(0)
        images = torch.randint(0, 255, (96, 1, 6, 6), generator=generator, dtype=torch.uint8)
        split = Split(images, torch.arange(96) % 4)
        digest = hashlib.sha256(images.numpy().tobytes()).hexdigest()
        return ImageData(split, split, ("a", "b", "c", "d"), digest=digest)

@hookimpl
def vaezoo_components():
    return [Squares]
'''
SPEC = """\
vaezoo: 1
name: tiny
dataset: squares
model:
  latent: 2
  encoder: {use: mlp, hidden: [8]}
  decoder: {use: mlp, hidden: [8]}
train: {epochs: 4, batch_size: 16, validation: 0.25}
visualizers: [samples]
"""


def stage(folder: Path) -> None:
    """A plugin, a spec, a zoo with one entry and a copy of it."""
    (folder / "plugin.py").write_text(PLUGIN)
    (folder / "spec.yaml").write_text(SPEC)
    command = vaezoo_command("run", "spec.yaml", "--device", "cpu")
    perform(folder, command, {}).check_returncode()
    shutil.copytree(folder / "zoo", folder / "copy")
    for name in ("new", "full", "home"):
        (folder / name).mkdir()


def perform(
    folder: Path, command: str, environment: dict[str, str], timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in the folder."""
    given = {"VAEZOO_PLUGINS": str(folder / "plugin.py"), "VAEZOO_CACHE": str(folder / "cache")}
    kept = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "PYTHONUNBUFFERED")}
    own = {"HOME": str(folder / "home")} if environment.get("HOME") == "home" else {}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**kept, **given, "OMP_NUM_THREADS": "1", **environment, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=timeout,
        check=False,
    )


def fingerprint(folder: Path) -> str:
    """A digest of the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)}\n".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def fault(case: Case, staged: Path, folder: Path) -> str | None:
    """Try a case in a copy of the prepared folder; its problem, if any."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(staged, folder)
    before = fingerprint(folder / "zoo")
    case.prepare(folder)
    try:
        done = perform(folder, case.form.replace("{}", case.command), case.environment)
    except subprocess.TimeoutExpired:
        return "it did not end"
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    output = done.stdout + done.stderr
    if is_unexplained(output):
        return f"no message for people: {output[-400:]!r}"
    if done.returncode not in case.codes:
        return f"exit code {done.returncode}: {output[-300:]!r}"
    if done.returncode and case.said not in output:
        return f"{case.said} is not said: {output[-300:]!r}"
    left = [path.name for path in folder.rglob("*.partial")]
    if left:
        return f"left behind: {left}"
    if fingerprint(folder / "zoo") != before:
        return "the entry that was there is another one"
    return None


def signals(tally: Tally, staged: Path, folder: Path, count: int, draw: random.Random) -> None:
    """Ctrl-C, once and twice, SIGTERM and SIGHUP at random times; stopped runs resume."""
    whole: dict[str, bytes] = {}
    for number in range(count):
        kind, times = draw.choice([("SIGINT", 1), ("SIGINT", 2), ("SIGTERM", 1), ("SIGHUP", 1)])
        name = draw.choice(["run", "run", "sample", "evaluate"])
        tally.tried("signals")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(staged, folder)
        arguments = WRITING[name]
        if name == "run":
            arguments = (*arguments, "--set", "train.epochs=60")
        wait = draw.uniform(0.3, 4.0)
        what = stopped(folder, arguments, getattr(signal, kind), times, wait)
        if what is None and name == "run":
            done = perform(folder, vaezoo_command(*arguments), {})
            file = folder / "new" / "tiny" / "model.safetensors"
            weights = file.read_bytes() if file.is_file() else b""
            if not weights:
                what = f"it did not go on: {done.stderr[-300:]!r}"
            elif whole.setdefault("weights", weights) != weights:
                what = "the run that went on ended in other weights"
        if what:
            tally.fell("signals", f"{number}: {name}, {kind} × {times} after {wait:.2f} s: {what}")


def stopped(
    folder: Path, arguments: tuple[str, ...], number: int, times: int, wait: float
) -> str | None:
    """Start a command and send it a signal after some seconds; its problem, if any."""
    given = {"VAEZOO_PLUGINS": str(folder / "plugin.py"), "VAEZOO_CACHE": str(folder / "cache")}
    with subprocess.Popen(
        [sys.executable, "-m", "vaezoo", *arguments],
        cwd=folder,
        env={**os.environ, **given, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        time.sleep(wait)
        for _ in range(times):
            process.send_signal(number)
            time.sleep(0.02)
        out, err = process.communicate(timeout=300)
    expected = 130 if number == signal.SIGINT else -number
    if process.returncode not in (0, expected):
        return f"exit code {process.returncode}: {(out + err)[-300:]!r}"
    return f"no message for people: {err[-300:]!r}" if is_unexplained(out + err) else None


def main() -> int:
    parser = options(__doc__.partition("\n")[0], count=1000)
    parts = (*PARTS, "signals")
    parser.add_argument(
        "--part", action="append", choices=parts, help="run only this part; may be repeated"
    )
    arguments = parser.parse_args()
    tally, draw = Tally(arguments.seed), random.Random(arguments.seed)
    with own_folder() as own:
        staged = own / "staged"
        staged.mkdir()
        stage(staged)
        own.chmod(0o755)
        for part in arguments.part or parts:
            if part == "signals":
                signals(tally, staged, own / "tried", min(arguments.count, 60), draw)
                continue
            cases = list(PARTS[part]())
            for case in draw.sample(cases, min(arguments.count, len(cases))):
                tally.tried(part)
                what = fault(case, staged, own / "tried")
                if what:
                    tally.fell(part, f"{case.name}: {what}")
    return tally.report("resources", arguments.out)


if __name__ == "__main__":
    sys.exit(main())
