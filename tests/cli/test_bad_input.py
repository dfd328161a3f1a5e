"""Bad input of every kind: one clear message, the way on, and the documented exit code."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runs.shell import Done, Shell

FINDINGS, USAGE, FAILED = 1, 2, 3

#: Where no request gets out: nothing listens behind this proxy.
NO_NETWORK = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"), "http://127.0.0.1:9"
)


@dataclass(frozen=True)
class Bad:
    """A command, the code it must end with, and what its message must say (as patterns)."""

    command: str
    code: int
    says: tuple[str, ...]
    spec: str = ""  # a line of spec.yaml and what to put in its place, as "old => new"


RUN = "run spec.yaml --device cpu"

BAD = {
    "spec file missing": Bad(
        "run nothing.yaml", FINDINGS, (r"VZ101", r"nothing\.yaml", r"No such file|no such file")
    ),
    "folder as spec": Bad("run .", FINDINGS, (r"VZ101", "folder|directory")),
    "unknown component": Bad(
        RUN, FINDINGS, (r"VZ301", r"spec\.yaml:7:\d+", "mlpp", "did you mean 'mlp'"), "mlp => mlpp"
    ),
    "unknown dataset": Bad(
        RUN, FINDINGS, ("VZ301", r"spec\.yaml:3:\d+", "did you mean 'blobs'"), "blobs => blob"
    ),
    "unknown key": Bad(
        RUN, FINDINGS, ("VZ201", r"spec\.yaml:\d+:3", "epochs"), "epochs: 3 => epoch: 3"
    ),
    "wrong type": Bad(
        RUN, FINDINGS, ("VZ203", r"spec\.yaml:\d+:\d+", "epochs"), "epochs: 3 => epochs: many"
    ),
    "out of range": Bad(
        RUN, FINDINGS, ("VZ204", r"spec\.yaml:\d+:\d+", "at least 1"), "epochs: 3 => epochs: 0"
    ),
    "set without a value": Bad(f"{RUN} --set train.epochs", FINDINGS, ("VZ207", "train.epochs")),
    "set to a wrong key": Bad(
        f"{RUN} --set train.epoch=3", FINDINGS, ("VZ2", "train.epoch=3", "epochs")
    ),
    "set to a wrong value": Bad(f"{RUN} --set train.epochs=-1", FINDINGS, ("VZ204", "at least 1")),
    "dataset out of reach": Bad(
        RUN,
        FAILED,
        ("VZ601", "cannot download kmnist", "check the network"),
        "blobs => kmnist",
    ),
    "dataset's root missing": Bad(
        RUN,
        FAILED,
        ("VZ601", "no such folder: /nowhere", "dataset"),
        "dataset: blobs => dataset: {use: kmnist, root: /nowhere}",
    ),
    "device that is none": Bad(
        "run spec.yaml --device tpu", FAILED, ("VZ602", "'tpu'", "auto or one of: .*cpu")
    ),
    "device that is not there": Bad(
        "run spec.yaml --device cuda:99", FAILED, ("VZ602", "'cuda:99'", "cpu")
    ),
    "device of no kind that computes": Bad(
        "sample plain --device meta", FAILED, ("VZ602", "'meta'", "cpu")
    ),
    "file in place of the zoo": Bad(
        f"{RUN} --zoo file", FAILED, ("VZ503", "file", "--zoo or VAEZOO_ZOO")
    ),
    "zoo that cannot be made": Bad(
        f"{RUN} --zoo /proc/zoo", FAILED, ("VZ503", "/proc/zoo", "--zoo or VAEZOO_ZOO")
    ),
    "unknown entry": Bad("sample plane", USAGE, ("VZ501", "'plane'", "did you mean 'plain'")),
    "unknown entry to draw": Bad("draw plane", USAGE, ("VZ501", "did you mean 'plain'")),
    "unknown entry to show": Bad("zoo show plane", USAGE, ("VZ501", "did you mean 'plain'")),
    "unknown entry at a path": Bad("sample ./no/such", USAGE, ("VZ501", "vaezoo zoo list")),
    "weights file that is none": Bad("sample ./broken.safetensors", FAILED, ("VZ502", "broken")),
    "zoo folder missing": Bad("sample plain --zoo nowhere", USAGE, ("VZ501", "nowhere")),
    "unknown visualizer": Bad(
        "draw plain sample", USAGE, ("VZ504", "'sample'", "did you mean 'samples'")
    ),
    "drawing into a file": Bad(
        "draw plain samples --out file", USAGE, ("file", "Directory|folder")
    ),
    "drawing where nobody can": Bad(
        "draw plain samples --out /proc/here", FAILED, ("VZ503", "/proc/here", "--out")
    ),
    "sampling into a folder that is a file": Bad(
        "sample plain --out file/a.png", FAILED, ("VZ503", "file/a.png", "--out")
    ),
    "sampling where nobody can": Bad(
        "sample plain --out /proc/a.png", FAILED, ("VZ503", "/proc/a.png", "--out")
    ),
    "unknown format": Bad("sample plain --format jpg", USAGE, ("jpg", "png")),
    "unknown suffix": Bad("sample plain --out a.jpg", USAGE, ("a.jpg", "--format")),
    "no samples": Bad("sample plain --n 0", USAGE, ("--n", "0", "1")),
    "samples in words": Bad("sample plain --n many", USAGE, ("--n", "many")),
    "negative seed": Bad("sample plain --seed -1", USAGE, ("--seed", "-1")),
    "unknown command": Bad("smaple plain", USAGE, ("smaple", "'sample'")),
    "unknown option": Bad("sample plain --count 3", USAGE, ("--count",)),
    "no name": Bad("sample", USAGE, ("NAME",)),
}


def complaint(done: Done, bad: Bad) -> None:
    """Hold what was said against what must be said."""
    assert done.code == bad.code, done.err
    for pattern in bad.says:
        assert re.search(pattern, done.err), f"{pattern!r} is not in:\n{done.err}"
    assert "Traceback" not in done.err
    assert "fault in vaezoo" not in done.err
    assert done.err.count("error[") + done.err.count("Error: ") == 1


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str, shell: Shell, zoo: Path) -> None:
    bad = BAD[case]
    old, _, new = bad.spec.partition(" => ")
    spec = shell.folder / shell.write()
    assert old in spec.read_text()
    spec.write_text(spec.read_text().replace(old, new, 1))
    (shell.folder / "file").write_text("not a folder")
    (shell.folder / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    cache = shell.folder / "cache"
    shell.environment |= {"VAEZOO_ZOO": str(zoo), "VAEZOO_CACHE": str(cache), **NO_NETWORK}
    complaint(shell.inside(*bad.command.split()), bad)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["unknown key", "unknown entry", "device that is none"])
def test_bad_input_as_a_process(case: str, shell: Shell, zoo: Path) -> None:
    bad = BAD[case]
    old, _, new = bad.spec.partition(" => ")
    spec = shell.folder / shell.write()
    spec.write_text(spec.read_text().replace(old, new, 1))
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    complaint(shell.call(*bad.command.split()), bad)


def test_debug_shows_the_traceback(shell: Shell) -> None:
    done = shell.call("--debug", "run", "nothing.yaml")
    assert done.code != 0
    assert "Traceback" in done.err
    assert "VZ101" in done.err


def test_a_file_in_place_of_the_runs_folder(shell: Shell) -> None:
    (shell.folder / "runs").write_text("not a folder")
    bad = Bad("", FAILED, ("VZ503", "runs/small-", "run in a folder with write permission"))
    complaint(shell.inside("run", shell.write(), "--device", "cpu"), bad)


@pytest.fixture
def full_soon(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "megabyte"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_below_the_zoo_is_found_before_training(shell: Shell, full_soon: Path) -> None:
    bad = Bad("", FAILED, ("VZ503", r"has (\d\.\d MB|\d+ kB) free", "free 100 MB"))
    done = shell.inside("run", shell.write(), "--device", "cpu", "--zoo", str(full_soon))
    complaint(done, bad)
    assert "epoch" not in done.err


def test_a_full_disk_below_the_checkpoints(shell: Shell, full_soon: Path, tmp_path: Path) -> None:
    large = {"latent": 2, "encoder": {"use": "mlp", "hidden": [6000]}}
    spec = str(shell.folder / shell.write(model=large))
    shell.folder = full_soon
    bad = Bad(
        "", FAILED, ("VZ503", r"cannot write the checkpoint runs/small-\w+/\S+:", "free disk space")
    )
    complaint(shell.inside("run", spec, "--device", "cpu", "--zoo", str(tmp_path / "zoo")), bad)
    left = [path.name for path in (full_soon / "runs").rglob("*") if path.is_file()]
    assert sorted(left) == [".vaezoo-run", "lock"]


def test_a_full_disk_below_the_samples(shell: Shell, full_soon: Path, zoo: Path) -> None:
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    bad = Bad("", FAILED, ("VZ503", r"6\.3 MB, the disk of .* has 1\.0 MB free", "--out"))
    complaint(shell.inside("sample", "plain", "--n", "2000", "--out", f"{full_soon}/a.npy"), bad)
    assert not any(full_soon.iterdir())


@pytest.mark.slow
def test_a_full_disk_below_the_pictures(shell: Shell, full_soon: Path, zoo: Path) -> None:
    shell.environment["VAEZOO_ZOO"] = str(zoo)
    (full_soon / "filler").write_bytes(bytes(2**20 - 8192))
    bad = Bad("", FAILED, ("VZ503", "samples.png", "No space left", "--out"))
    complaint(shell.inside("draw", "plain", "samples", "--out", str(full_soon / "out")), bad)
    assert not any((full_soon / "out").glob("*"))
