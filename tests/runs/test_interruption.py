"""Stop a run by Ctrl-C, signals or a kill, and resume it."""

from __future__ import annotations

import random
import re
import signal
import time
from pathlib import Path

import pytest

from tests.runs.shell import Shell, wait_for_line, wait_until

LONG = {"epochs": 50, "optimizer": {"use": "adam", "lr": {"cosine": [1e-2, 1e-4], "epochs": 50}}}


def checkpoint_of(shell: Shell) -> Path:
    (run,) = (shell.folder / "runs").glob("small-*")
    return run / "checkpoint.safetensors"


def stop_after(shell: Shell, epoch: int, spec: str) -> None:
    """Run the spec and press Ctrl-C right after an epoch."""
    before, shell.environment = shell.environment, {"BLOBS_INTERRUPT": f"epoch {epoch}"}
    done = shell.inside("run", spec, "--device", "cpu")
    shell.environment = before
    assert done.code == 130
    assert done.err.endswith(f"interrupted: the same command resumes after epoch {epoch}\n")


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_weights(shell: Shell) -> None:
    spec = shell.write(train=LONG, visualizers=["samples"])
    command = ("run", spec, "--device", "cpu", "--zoo")
    assert shell.call(*command, "straight").code == 0

    moments = random.Random(6)
    for beginning, number in (
        (f"epoch {1 + moments.randrange(20)}/", signal.SIGKILL),
        (f"epoch {22 + moments.randrange(20)}/", signal.SIGTERM),
        ("computing test figures", signal.SIGKILL),
    ):
        with shell.start(*command, "killed") as process:
            wait_for_line(process, beginning)
            time.sleep(moments.uniform(0, 0.02))
            process.send_signal(number)
            process.communicate()
        assert process.returncode == -number
        assert not (shell.folder / "killed" / "small").exists()
    last = shell.call(*command, "killed")
    assert "resuming after epoch 50 of 50" in last.err
    straight, killed = (shell.folder / zoo / "small" for zoo in ("straight", "killed"))
    for file in ("model.safetensors", "metrics.json", "spec.yaml", "figures/samples.png"):
        assert (killed / file).read_bytes() == (straight / file).read_bytes()
    assert len((killed / "history.jsonl").read_text().splitlines()) == 50


def test_ctrl_c_exits_with_130_and_the_same_command_resumes(shell: Shell) -> None:
    events = shell.folder / "events"
    shell.environment |= {"BLOBS_EVENTS": str(events), "BLOBS_PAUSE": "0.2"}
    spec = shell.write(train={"epochs": 6})
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "epoch 2/6")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in error
    last = re.search(r"interrupted: the same command resumes after epoch (\d)\n$", error)
    assert last is not None
    assert events.read_text().splitlines()[-1] == "failed KeyboardInterrupt"

    shell.environment.clear()
    resumed = shell.run(spec)
    assert f"resuming after epoch {last[1]} of 6 epochs" in resumed.err
    assert resumed.err.count("\nepoch ") == 6 - int(last[1])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_signal_leaves_a_checkpoint(shell: Shell, number: signal.Signals) -> None:
    shell.environment |= {"BLOBS_PAUSE": "0.2"}
    spec = shell.write(train={"epochs": 6})
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "epoch 2/6")
        process.send_signal(number)
        _, error = process.communicate()
    assert process.returncode == -number
    assert "Traceback" not in error
    shell.environment.clear()
    assert "resuming after epoch" in shell.run(spec).err


@pytest.mark.slow
def test_a_second_ctrl_c_loses_nothing(shell: Shell) -> None:
    shell.environment |= {"BLOBS_PAUSE": "0.2"}
    spec = shell.write(train={"epochs": 6})
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "epoch 2/6")
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        _, error = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in error
    shell.environment.clear()
    assert "resuming after epoch" in shell.run(spec).err


@pytest.mark.slow
def test_ctrl_c_while_loading_explains_how_to_resume(shell: Shell) -> None:
    spec = shell.write(dataset={"use": "blobs", "wait": 20})
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "small: training on")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    assert "interrupted: the same command resumes after the last complete epoch" in error
    assert "Traceback" not in error


def test_ctrl_c_before_the_first_epoch_ends(shell: Shell) -> None:
    shell.environment["BLOBS_INTERRUPT"] = "started small"
    done = shell.inside("run", shell.write(), "--device", "cpu")
    assert done.code == 130
    assert "no epoch was complete; the same command starts from the beginning" in done.err


def test_fresh_ignores_the_run_folder(shell: Shell) -> None:
    spec = shell.write()
    stop_after(shell, 2, spec)
    (checkpoint_of(shell).parent / "notes").mkdir()  # a plugin's hook may create one
    done = shell.run(spec, "--fresh")
    assert "going on" not in done.err
    assert done.err.count("\nepoch ") == 3


def test_another_seed_is_another_run(shell: Shell) -> None:
    spec = shell.write()
    stop_after(shell, 2, spec)
    assert "going on" not in shell.run(spec, "--set", "train.seed=1").err
    assert "resuming after epoch 2" in shell.run(spec).err


def test_a_damaged_checkpoint_needs_fresh(shell: Shell) -> None:
    spec = shell.write()
    stop_after(shell, 1, spec)
    path = checkpoint_of(shell)
    path.write_bytes(path.read_bytes()[:-50])
    done = shell.inside("run", spec, "--device", "cpu")
    assert done.code == 3
    assert "error[VZ604]" in done.err
    assert "--fresh" in done.err
    shell.run(spec, "--fresh")


def test_only_one_process_trains_a_spec(shell: Shell) -> None:
    shell.environment["BLOBS_PAUSE"] = "60"
    spec = shell.write()
    with shell.start("run", spec, "--device", "cpu") as first:
        wait_until(lambda: any((shell.folder / "runs").glob("small-*/checkpoint.safetensors")))
        shell.environment.clear()
        for fresh in ((), ("--fresh",)):
            second = shell.inside("run", spec, "--device", "cpu", *fresh)
            assert second.code == 3
            assert "error[VZ606]: another process is training this spec" in second.err
        first.kill()
        first.communicate()
    assert "resuming after epoch 1" in shell.run(spec).err
