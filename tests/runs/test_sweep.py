"""``vaezoo run`` of a spec with a matrix."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch.testing import assert_close

import vaezoo
from tests.runs.shell import Done, Shell, wait_for_line
from vaezoo.runs.ledger import Ledger

SLOW = pytest.mark.slow
GRID = {"loss.beta": [1, 4], "train.seed": [0, 1]}
NAMES = ["small-beta1-seed0", "small-beta1-seed1", "small-beta4-seed0", "small-beta4-seed1"]


def write(shell: Shell, file: str = "spec.yaml", **changes: Any) -> str:
    """Write a spec without an ELBO, so that its sweep draws no picture, which takes longest."""
    return shell.write(file, metrics=["active_units"], **changes)


def weights_of(shell: Shell, name: str, zoo: str = "zoo") -> bytes:
    return (shell.folder / zoo / name / "model.safetensors").read_bytes()


def trained(done: Done) -> list[str]:
    """The members that a command trained, in order."""
    return re.findall(r"^(\S+): training on", done.err, re.MULTILINE)


def stop_at(shell: Shell, spec: str, event: str) -> Done:
    """Run the spec and press Ctrl-C at an event."""
    before, shell.environment = shell.environment, {"BLOBS_INTERRUPT": event}
    done = shell.inside("run", spec, "--device", "cpu")
    shell.environment = before
    assert done.code == 130
    return done


def test_each_member_equals_its_own_run(shell: Shell) -> None:
    done = shell.run(write(shell, matrix=GRID))
    assert trained(done) == NAMES
    for number, name in enumerate(NAMES, start=1):
        assert f"member {number} of 4: {name}\n" in done.err
        assert (shell.folder / "zoo" / name / "README.md").is_file()
    alone = write(shell, "alone.yaml", name="small-beta4-seed1", loss={"use": "elbo", "beta": 4})
    shell.run(alone, "--set", "train.seed=1", "--zoo", "other")
    assert weights_of(shell, NAMES[3]) == weights_of(shell, NAMES[3], "other")
    assert not any((shell.folder / "runs").iterdir())


def test_a_sweep_prints_a_table_and_the_best_member(shell: Shell) -> None:
    done = shell.run(shell.write(matrix=GRID))
    head, *rows = done.out.splitlines()[:5]
    assert head.split("  ")[0] == "MEMBER"
    for word in ("loss.beta", "train.seed", "TEST/ELBO", "TEST/KL"):
        assert word in head
    values = [["1", "0"], ["1", "1"], ["4", "0"], ["4", "1"]]
    assert [row.split()[:3] for row in rows] == [
        [name, *pair] for name, pair in zip(NAMES, values, strict=True)
    ]
    elbos = {row.split()[0]: float(row.split()[3]) for row in rows}
    best = max(elbos, key=lambda name: elbos[name])
    assert f"best test/elbo: {best}\n" in done.out
    assert "rate and distortion of each: small-rate-distortion.png\n" in done.out
    assert (shell.folder / "small-rate-distortion.png").read_bytes().startswith(b"\x89PNG")
    assert done.out.endswith(
        f"published 4 of 4 members to zoo\nnext: vaezoo sample {best} --n 50\n"
    )


def test_elbos_of_different_likelihoods_are_not_compared(shell: Shell) -> None:
    done = shell.run(shell.write(matrix={"model.likelihood": ["bernoulli", "mse"]}))
    assert "best" not in done.out
    assert "rate-distortion.png" not in done.out
    assert "published 2 of 2 members" in done.out


@pytest.mark.slow
def test_an_interrupted_sweep_resumes_with_the_remaining_members(
    shell: Shell,
) -> None:
    straight = write(shell, "straight.yaml", matrix=GRID)
    shell.run(straight, "--zoo", "straight")
    spec = write(shell, matrix=GRID)
    events = shell.folder / "events"
    shell.environment = {"BLOBS_EVENTS": str(events), "BLOBS_PAUSE": "0.3"}
    with shell.start("run", spec, "--device", "cpu") as process:
        wait_for_line(process, "member 3 of 4")
        wait_for_line(process, "epoch 1/3")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    last = re.search(r"interrupted: member 3 of 4, (\S+): the same command resumes after", error)
    assert last
    assert last[1] == NAMES[2]
    shell.environment = {}
    resumed = shell.run(spec)
    assert trained(resumed) == NAMES[2:]
    assert "member 1 of 4: small-beta1-seed0 (done)" in resumed.err
    assert "resuming after epoch" in resumed.err
    for name in NAMES:
        assert weights_of(shell, name) == weights_of(shell, name, "straight")
    assert not any((shell.folder / "runs").iterdir())


def test_a_finished_sweep_trains_again(shell: Shell) -> None:
    spec = write(shell, matrix={"train.seed": [0, 1]})
    shell.run(spec)
    assert len(trained(shell.run(spec))) == 2


def test_fresh_trains_every_member_again(shell: Shell) -> None:
    spec = write(shell, matrix={"train.seed": [0, 1]})
    stop_at(shell, spec, "started small-seed1")
    assert trained(shell.run(spec, "--fresh")) == ["small-seed0", "small-seed1"]


def test_a_member_killed_after_publishing_is_not_trained_again(shell: Shell) -> None:
    spec = write(shell, matrix={"train.seed": [0, 1]})
    shell.environment = {"BLOBS_EVENTS": str(shell.folder / "events")}
    stop_at(shell, spec, "finished small-seed0")
    assert trained(shell.run(spec)) == ["small-seed1"]


@pytest.mark.parametrize(
    "what", ["removed", *(pytest.param(w, marks=SLOW) for w in ("replaced", "another spec"))]
)
def test_a_member_is_trained_again_if_its_entry_changed(shell: Shell, what: str) -> None:
    spec = write(shell, matrix={"train.seed": [0, 1]})
    stop_at(shell, spec, "started small-seed1")
    weights = shell.folder / "zoo" / "small-seed0" / "model.safetensors"
    if what == "removed":
        weights.unlink()
    elif what == "replaced":
        shell.run(write(shell, "other.yaml", name="small-seed0", train={"seed": 5}))
    else:
        write(shell, matrix={"train.seed": [0, 1]}, summary="other words")
    assert trained(shell.run(spec)) == ["small-seed0", "small-seed1"]


def test_a_value_added_to_a_stopped_sweep_keeps_finished_members(shell: Shell) -> None:
    stop_at(shell, write(shell, matrix={"train.seed": [0, 1]}), "started small-seed1")
    done = shell.run(write(shell, matrix={"train.seed": [2, 0, 1]}))
    assert trained(done) == ["small-seed2", "small-seed1"]


def test_a_failed_member_does_not_stop_the_others_and_is_run_again(shell: Shell) -> None:
    train = {"epochs": 20, "optimizer": {"use": "sgd", "lr": 1e-4}}
    spec = write(shell, train=train, matrix={"train.optimizer.lr": [1e6, 1e-4]})
    done = shell.inside("run", spec, "--device", "cpu")
    assert done.code == 3
    assert "error[VZ603]: the objective became" in done.err
    assert re.search(r"^small-lr1000000 +1000000.0 +failed \(VZ603\)$", done.out, re.MULTILINE)
    assert "published 1 of 2 members to zoo" in done.out
    again = shell.inside("run", spec, "--device", "cpu")
    assert again.code == 3
    assert trained(again) == ["small-lr1000000"]


def test_one_value_for_each_key_is_one_member_with_its_own_name(shell: Shell) -> None:
    spec = write(shell, matrix=GRID)
    done = shell.run(spec, "--set", "loss.beta=4", "--set", "train.seed=1")
    assert trained(done) == ["small-beta4-seed1"]


def test_an_error_in_one_member_is_found_before_training(shell: Shell) -> None:
    done = shell.inside("run", write(shell, matrix={"train.epochs": [1, 0]}), "--device", "cpu")
    assert done.code == 1
    assert "error[VZ204]: 'train.epochs' must be at least 1, not 0" in done.err
    assert trained(done) == []


def test_from_python(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.runs.shell import PLUGIN
    from vaezoo.registry import discover

    monkeypatch.chdir(tmp_path)
    spec, registry = write(shell, matrix=GRID, train={"epochs": 1}), discover([str(PLUGIN)])
    outcomes = vaezoo.sweep(spec, zoo="zoo", device="cpu", registry=registry)
    assert [outcome.spec.name for outcome in outcomes] == NAMES
    assert outcomes[3].values == {"loss.beta": 4, "train.seed": 1}
    assert [outcome.entry.name for outcome in outcomes if outcome.entry] == NAMES
    with pytest.raises(vaezoo.VaezooError, match=r"VZ208.*has a matrix of 4 specs"):
        vaezoo.run(spec, zoo="zoo", device="cpu", registry=registry)


def test_members_that_train_together_equal_their_own_runs(shell: Shell) -> None:
    done = shell.run(write(shell, matrix=GRID), "--together", "on")
    assert "4 members train together; epoch lines show their means\n" in done.err
    assert done.err.count("\nepoch ") == 3
    assert done.err.count("resuming after epoch 3 of 3 epochs") == 4
    assert f"published 4 of 4 members to zoo\nnext: vaezoo sample {NAMES[0][:5]}" in done.out
    alone = write(shell, "alone.yaml", name="small-beta4-seed1", loss={"use": "elbo", "beta": 4})
    shell.run(alone, "--set", "train.seed=1", "--zoo", "other")
    together, single = (
        load_file(shell.folder / zoo / NAMES[3] / "model.safetensors") for zoo in ("zoo", "other")
    )
    assert_close(together, single, rtol=1e-3, atol=1e-5)
    assert not any((shell.folder / "runs").iterdir())


@pytest.mark.slow
def test_members_that_train_together_resume_together(shell: Shell) -> None:
    spec = shell.write(train={"epochs": 400}, matrix=GRID, metrics=["active_units"])
    with shell.start("run", spec, "--device", "cpu", "--together", "on") as process:
        wait_for_line(process, "epoch 2/400")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    assert "interrupted: 4 members together: the same command resumes" in error
    assert not (shell.folder / "zoo").exists() or not any((shell.folder / "zoo").iterdir())
    resumed = shell.run(spec, "--together", "on")
    assert re.search(r"resuming after epoch \d+ of 400 epochs", resumed.err)
    assert "published 4 of 4 members" in resumed.out


def test_a_diverged_member_reports_its_own_error(shell: Shell) -> None:
    train = {"epochs": 20, "optimizer": {"use": "sgd", "lr": 1e-4}}
    spec = write(shell, train=train, matrix={"train.optimizer.lr": [1e6, 1e-4]})
    done = shell.inside("run", spec, "--device", "cpu", "--together", "on")
    assert done.code == 3
    assert "error[VZ603]: the objective became" in done.err
    assert "published 1 of 2 members to zoo" in done.out


def test_the_reason_against_training_together_is_shown(shell: Shell) -> None:
    spec = write(shell, matrix={"model.latent": [2, 3]})
    reason = "they differ in more than seeds, loss weights and learning rates"
    done = shell.inside("run", spec, "--device", "cpu", "--together", "on")
    assert done.code == 3
    assert f"error[VZ609]: the members cannot train together: {reason}" in done.err
    done = shell.run(spec, "--together", "off")
    assert "members train one after another: training together is off\n" in done.err


def test_leaving_together_keeps_the_files_of_members(tmp_path):
    for name in ("together.json", "together-12ab34cd.safetensors", "together-seed0.finished"):
        (tmp_path / name).write_text("{}")
    ledger = Ledger(tmp_path, tmp_path / "zoo")
    ledger.leave_together()
    ledger.leave_together()  # nothing is left to do
    assert [path.name for path in tmp_path.iterdir()] == ["together-seed0.finished"]
