"""``vaezoo run`` from a spec to an entry."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from tests.runs.shell import Shell

#: The files of an entry.
FILES = {
    "model.safetensors",
    "spec.yaml",
    "metrics.json",
    "history.jsonl",
    "manifest.json",
    "README.md",
    "figures",
}


def weights_of(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def history(entry: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (entry / "history.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_rounded_weights_have_the_figures_that_are_published(shell: Shell) -> None:
    spec = shell.write(publish={"weights": "float16"})
    done = shell.call("run", spec, "--device", "cpu")
    assert done.code == 0, done.err
    recorded = json.loads((shell.folder / "zoo" / "small" / "metrics.json").read_text())
    done = shell.call("evaluate", "small", "--json")
    assert done.code == 0, done.err
    again = {figure["name"]: figure["value"] for figure in json.loads(done.out)}
    # equal in float32; rounding to float16 changes them by more
    assert {f["name"]: f["value"] for f in recorded["figures"]} == pytest.approx(again, rel=1e-7)


def test_a_run_publishes_an_entry_and_prints_three_lines(shell: Shell) -> None:
    spec = shell.write(visualizers=["loss_curves", {"use": "samples", "n": 4}])
    done = shell.run(spec)
    entry = shell.folder / "zoo" / "small"
    assert {path.name for path in entry.iterdir()} == FILES
    assert {path.name for path in (entry / "figures").iterdir()} == {
        "loss_curves.png",
        "samples.png",
    }
    assert [record["epoch"] for record in history(entry)] == [1, 2, 3]
    figures = json.loads((entry / "metrics.json").read_text())["figures"]
    assert {f["name"] for f in figures} == {"elbo", "reconstruction", "kl", "active_units"}
    for figure in figures:
        assert figure["split"] == "test"
        assert figure["likelihood"] == "bernoulli"
        assert figure["examples"] == 96
        assert figure["binarisation"]

    lines = done.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("small: test ELBO -")
    assert "96 test images, 10 samples each" in lines[0]
    assert lines[1].startswith("published to zoo/small ")
    assert lines[2] == "next: vaezoo sample small --n 50"
    assert not any((shell.folder / "runs").iterdir())


def test_without_a_terminal_each_epoch_is_one_line(shell: Shell) -> None:
    done = shell.run(shell.write())
    assert "\x1b" not in done.err
    assert "\r" not in done.err
    lines = [line for line in done.err.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    for line in lines:
        for word in ("objective", "reconstruction", "KL", "validation ELBO", "images/s", "ETA"):
            assert word in line


@pytest.mark.slow
def test_a_terminal_shows_a_progress_bar(shell: Shell) -> None:
    shell.environment |= {"TERM": "xterm", "COLUMNS": "200", "BLOBS_PAUSE": "0.3"}
    spec = shell.write()
    ours, theirs = pty.openpty()
    with shell.start("run", spec, "--device", "cpu", stderr=theirs) as process:
        os.close(theirs)
        shown = read_terminal(ours)
        summary, _ = process.communicate()
    assert process.returncode == 0, shown
    assert "\x1b[" in shown
    assert "━" in shown
    for words in ("epoch 2/3", "objective", "reconstruction", "KL", "validation ELBO"):
        assert words in shown
    assert "images/s" in shown
    assert "ETA" in shown
    assert len(summary.splitlines()) == 3


def read_terminal(handle: int) -> str:
    """Everything written to the terminal until its last writer closes it."""
    parts: list[Any] = []
    while True:
        try:
            part = os.read(handle, 65536)
        except OSError:  # Linux raises it when no process has the other end open
            part = b""
        if not part:
            os.close(handle)
            return b"".join(parts).decode()
        parts.append(part)


def test_two_runs_of_one_spec_give_the_same_bytes_and_the_first_is_kept(shell: Shell) -> None:
    spec = shell.write()
    shell.run(spec)
    entry = shell.folder / "zoo" / "small"
    first = weights_of(entry)
    again = shell.run(spec)
    assert "resuming after" not in again.err  # it started over
    assert weights_of(entry) == first
    (kept,) = (shell.folder / "zoo" / ".previous").iterdir()
    assert weights_of(kept) == first
    assert {path.name for path in kept.iterdir()} == FILES


def test_a_value_set_on_the_command_line_is_trained_and_published(shell: Shell) -> None:
    shell.run(shell.write(), "--set", "train.epochs=1", "--set", "loss.beta=2.5")
    entry = shell.folder / "zoo" / "small"
    (record,) = history(entry)
    assert record["weights"]["beta"] == 2.5
    assert "beta: 2.5" in (entry / "spec.yaml").read_text()


def test_the_resolved_spec_of_an_entry_trains_the_same_model(shell: Shell) -> None:
    shell.run(shell.write(), "--zoo", "first")
    shell.run("first/small/spec.yaml", "--zoo", "second")
    assert weights_of(shell.folder / "first" / "small") == weights_of(
        shell.folder / "second" / "small"
    )


def test_the_zoo_is_read_from_the_environment(shell: Shell) -> None:
    shell.environment["VAEZOO_ZOO"] = str(shell.folder / "elsewhere")
    shell.run(shell.write())
    assert (shell.folder / "elsewhere" / "small" / "model.safetensors").is_file()
    assert not (shell.folder / "zoo").exists()


def test_unused_latents_are_in_summary_and_card(shell: Shell) -> None:
    spec = shell.write(loss={"use": "elbo", "beta": 1000.0}, train={"epochs": 40})
    done = shell.run(spec, "--set", "train.optimizer={use: adam, lr: 0.01}")
    words = "2 of 2 latent dimensions ended unused: z0, z1"
    assert words in done.out
    assert words in (shell.folder / "zoo" / "small" / "README.md").read_text()


def test_early_stopping_reports_the_kept_epoch(shell: Shell) -> None:
    train = {
        "epochs": 200,
        "optimizer": {"use": "adam", "lr": 0.05},
        "early_stopping": {"patience": 2},
    }
    done = shell.run(shell.write(train=train))
    entry = shell.folder / "zoo" / "small"
    records = history(entry)
    elbos = [record["validation"]["elbo"] for record in records]
    best = 1 + elbos.index(max(elbos))
    assert len(elbos) == best + 2
    words = f"the weights are those of epoch {best}, the best validation ELBO"
    assert words in done.out
    assert words in (entry / "README.md").read_text()


def test_hooks_are_called_in_order(shell: Shell) -> None:
    events = shell.folder / "events"
    shell.environment["BLOBS_EVENTS"] = str(events)
    shell.run(shell.write())
    expected = ["started small", "epoch 1", "epoch 2", "epoch 3", "finished small"]
    assert events.read_text().splitlines() == expected


@pytest.mark.parametrize("hook", ["started", "epoch", "finished"])
def test_a_hook_that_raises_is_only_a_warning(shell: Shell, hook: str) -> None:
    shell.environment["BLOBS_RAISE"] = hook
    done = shell.run(shell.write(train={"epochs": 1}))
    warnings = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "plugin blobs_plugin (file) failed in vaezoo_" in warnings[0]
    assert "the recorder is full" in warnings[0]
    assert (shell.folder / "zoo" / "small" / "README.md").is_file()


def test_a_diverging_run_exits_with_3_and_calls_the_hooks(shell: Shell) -> None:
    events = shell.folder / "events"
    shell.environment["BLOBS_EVENTS"] = str(events)
    spec = shell.write(train={"epochs": 20, "optimizer": {"use": "sgd", "lr": 1e6}})
    done = shell.inside("run", spec, "--device", "cpu")
    assert done.code == 3
    assert "error[VZ603]: the objective became" in done.err
    assert "lower train.optimizer.lr" in done.err
    assert "Traceback" not in done.err
    assert events.read_text().splitlines()[-1] == "failed DivergenceError"
    assert not (shell.folder / "zoo" / "small").exists()


@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_a_run_whose_last_step_diverges_publishes_nothing(shell: Shell, validation: float) -> None:
    once = {"epochs": 1, "batch_size": 96, "validation": validation}
    steep = {"use": "elbo", "beta": 1000.0}
    spec = shell.write(train={**once, "optimizer": {"use": "sgd", "lr": 1e38}}, loss=steep)
    done = shell.inside("run", spec, "--device", "cpu")
    assert done.code == 3
    assert "error[VZ603]" in done.err
    assert "lower train.optimizer.lr" in done.err
    assert not (shell.folder / "zoo" / "small").exists()
