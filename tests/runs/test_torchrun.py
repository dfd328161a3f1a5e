"""``vaezoo run`` in several processes gives the result of one."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from safetensors.torch import load_file
from torch.testing import assert_close

from tests.runs.shell import PLUGIN, Shell, wait_for_line
from tests.runs.test_run import history

pytestmark = pytest.mark.slow

#: Seconds for several processes to start and end, enough for a busy machine.
TIMEOUT = 180.0
#: Batches of 17 are odd, and the last batch of 72 images has four.
UNEVEN = {
    "epochs": 5,
    "batch_size": 17,
    "gradient_clip": 30.0,
    "optimizer": {"use": "adam", "lr": {"cosine": [1e-2, 1e-3], "epochs": 5}},
}


def torchrun(shell: Shell, *options: str) -> list[str]:
    """The command that starts two processes of vaezoo."""
    run = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", *options]
    return [*run, "-m", "vaezoo", "--plugin", str(PLUGIN)]


def environment(shell: Shell) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VAEZOO_", "BLOBS_"))}
    return kept | {"OMP_NUM_THREADS": "1"} | shell.environment


def in_two(
    shell: Shell, *arguments: str, other: tuple[str, ...] = ()
) -> list[tuple[int, str, str]]:
    """Run the command in two processes without torchrun, which takes seconds.

    ``other`` has more arguments for the second.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    with ExitStack() as stack:
        started = []
        for rank, more in (("0", ()), ("1", other)):
            shell.environment = {**place, "RANK": rank, "LOCAL_RANK": rank}
            process = shell.start(*arguments, "--device", "cpu", *more)
            started.append(stack.enter_context(process))
            stack.callback(process.kill)
        shell.environment = {}
        shown = [process.communicate(timeout=TIMEOUT) for process in started]
    return [
        (process.returncode, out, error)
        for process, (out, error) in zip(started, shown, strict=True)
    ]


def assert_alike(one: Path, other: Path, digits: float) -> None:
    """Compare the figures of two entries with a relative tolerance."""
    records = list(zip(history(one), history(other), strict=True))
    assert records
    for first, second in records:
        for split in ("train", "validation"):
            assert first[split] == pytest.approx(second[split], rel=digits)


def pid_of_rank(parent: int, rank: int) -> int:
    """The process of a rank among the children of torchrun."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        if f"\0RANK={rank}\0".encode() in b"\0" + Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise AssertionError(f"no worker of rank {rank} among {children}")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds workers in /proc")
def test_a_killed_worker_is_restarted_and_the_run_reaches_the_figures_of_one_process(
    shell: Shell,
) -> None:
    spec = shell.write(train=UNEVEN, visualizers=["samples"])
    shell.environment = {"BLOBS_PAUSE": "0.4", "BLOBS_EVENTS": str(shell.folder / "events")}
    command = [*torchrun(shell, "--max-restarts", "1"), "run", spec, "--device", "cpu"]
    streams: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, "text": True}
    with Popen(command, cwd=shell.folder, env=environment(shell), **streams) as process:
        wait_for_line(process, "epoch 2/5")
        os.kill(pid_of_rank(process.pid, 1), signal.SIGKILL)
        out, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, error
    assert re.search(r"^70\d parameters|resuming after epoch [23] of 5", error, re.MULTILINE)
    assert "resuming after epoch" in error
    assert error.count("epoch 5/5") == 1  # only one process prints
    assert out.count("published to zoo/small") == 1
    events = (shell.folder / "events").read_text().splitlines()
    assert events.count("epoch 5") == 1
    assert events.count("finished small") == 1

    shell.environment = {}
    shell.run(spec, "--zoo", "alone")
    alone, together = shell.folder / "alone" / "small", shell.folder / "zoo" / "small"
    assert_alike(alone, together, 1e-4)
    weights = [load_file(entry / "model.safetensors") for entry in (alone, together)]
    assert_close(*weights, rtol=1e-2, atol=1e-4)
    assert not any((shell.folder / "runs").iterdir())


def test_two_processes_give_the_result_of_one(shell: Shell) -> None:
    options = {"ema": 0.9, "freeze": ["encoder"], "groups": {"decoder": {"lr": 1e-2}}}
    spec = shell.write(
        dataset="fashion_mnist",
        train={"epochs": 1, "batch_size": 1000, "validation": 0.1, "skip_bad_steps": 1, **options},
        metrics=["active_units"],
    )
    (code, out, error), (other_code, *silence) = in_two(shell, "run", spec, "--zoo", "two")
    assert (code, other_code) == (0, 0), error
    assert silence == ["", ""]
    assert "2 processes share each" in error
    assert "published to two/small" in out
    shell.run(spec, "--zoo", "one")
    assert_alike(shell.folder / "one" / "small", shell.folder / "two" / "small", 1e-4)


def test_divergence_is_reported_once(shell: Shell) -> None:
    train = {"epochs": 50, "optimizer": {"use": "sgd", "lr": 1e6}}
    (code, _, error), (other_code, _, other_error) = in_two(shell, "run", shell.write(train=train))
    assert code == 3
    assert "error[VZ603]: the objective became" in error
    assert other_code == 3  # torchrun would have ended it before it prints
    assert other_error.startswith("error[VZ60")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--set", "train.batch_size=1"), "2 processes cannot share a batch of 1"),
        (("--set", "matrix={train.seed: [0, 1]}"), "2 processes cannot train a matrix together"),
    ],
)
def test_too_small_batches_are_refused_before_loading(
    shell: Shell, arguments: tuple[str, ...], why: str
) -> None:
    spec = shell.write()
    shell.environment = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
    done = shell.inside("run", spec, "--device", "cpu", *arguments)
    assert done.code == 3
    assert f"error[VZ609]: {why}" in done.err
    assert "training on" not in done.err


def test_different_settings_of_a_process_are_detected(shell: Shell) -> None:
    _, (code, _, error) = in_two(shell, "run", shell.write(), other=("--set", "loss.beta=3"))
    assert code == 3
    assert "error[VZ609]: process 1 has another spec, dataset or device type" in error
