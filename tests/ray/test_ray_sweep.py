"""``vaezoo run --on ray``: each member as a task on a real cluster."""

from __future__ import annotations

import re
import signal
import socket
import sys
from pathlib import Path

import pytest

import vaezoo
from tests.runs.shell import Done, Shell, wait_until
from vaezoo.runs.ray import sweep_on_ray
from vaezoo.runs.ray.cluster import _accepts_connections, _explained

pytestmark = pytest.mark.slow

ON_RAY = ("--device", "cpu", "--on", "ray")
NAMES = ["small-beta1", "small-beta4"]


def weights_of(shell: Shell, name: str, zoo: str = "zoo") -> bytes:
    return (shell.folder / zoo / name / "model.safetensors").read_bytes()


def trained(done: Done) -> list[str]:
    return sorted(re.findall(r"^(\S+): training on", done.err, re.MULTILINE))


@pytest.mark.usefixtures("cluster")
def test_each_member_has_the_weights_of_its_own_run_with_one_thread(shell: Shell) -> None:
    spec = shell.write(matrix={"loss.beta": [1, 4]}, visualizers=["loss_curves"])
    done = shell.inside("run", spec, *ON_RAY, "--zoo", "far")
    assert done.code == 0, done.err
    assert "Ray: 2 CPUs on 1 machine; 2 members, 2 at once, 1 CPU each\n" in done.err
    assert trained(done) == NAMES
    for name in NAMES:
        assert f"{name}: training on cpu (1 thread) of " in done.err
        assert re.search(rf"^{name}: epoch 3/3  objective .* images/s", done.err, re.MULTILINE)
        assert f"{name}: published (" in done.err
    shell.run(spec, "--zoo", "near")
    for name in NAMES:
        assert weights_of(shell, name, "far") == weights_of(shell, name, "near")
        picture = Path("figures") / "loss_curves.png"
        far, near = (shell.folder / zoo / name / picture for zoo in ("far", "near"))
        assert far.read_bytes() == near.read_bytes()
    assert not any((shell.folder / "runs").iterdir())


@pytest.mark.usefixtures("cluster")
def test_a_sweep_prints_a_table_and_a_failed_member_does_not_stop_the_others(
    shell: Shell,
) -> None:
    train = {"epochs": 20, "optimizer": {"use": "sgd", "lr": 1e-4}}
    spec = shell.write(train=train, matrix={"train.optimizer.lr": [1e6, 1e-4, 1e-3]})
    done = shell.inside("run", spec, *ON_RAY)
    assert done.code == 3
    assert "small-lr1000000:\nerror[VZ603]: the objective became" in done.err
    assert re.search(r"^small-lr1000000 +1000000.0 +failed \(VZ603\)$", done.out, re.MULTILINE)
    assert "rate and distortion of each: small-rate-distortion.png\n" in done.out
    assert (shell.folder / "small-rate-distortion.png").read_bytes().startswith(b"\x89PNG")
    assert "published 2 of 3 members to zoo\n" in done.out
    again = shell.inside("run", spec, *ON_RAY)
    assert again.code == 3
    assert "1 member, 1 at once, 1 CPU each, 2 done before\n" in again.err
    assert trained(again) == ["small-lr1000000"]


@pytest.mark.usefixtures("cluster")
def test_a_spec_without_a_matrix_runs_as_one_task(shell: Shell) -> None:
    done = shell.inside("run", shell.write(), *ON_RAY, "--cpus-per-run", "2")
    assert done.code == 0, done.err
    assert "small: training on cpu (2 threads)" in done.err
    assert done.out.startswith("small: test ELBO ")
    assert done.out.endswith("next: vaezoo sample small --n 50\n")


@pytest.mark.usefixtures("cluster")
def test_an_exception_in_a_plugin_is_the_error_of_its_member(shell: Shell) -> None:
    shell.environment["VAEZOO_SHARED_BY"] = "3"  # such sweeps, of two members at once each
    (shell.folder / "thin_ice.py").write_text(
        "import os\n"
        "from tests.runs.blobs_plugin import Blobs\n"
        "from vaezoo import hookimpl\n\n\n"
        "class ThinIce(Blobs, use='thin_ice'):\n"
        "    def build(self):\n"
        "        raise ZeroDivisionError('too many: ' + os.environ['VAEZOO_SHARED_BY'])\n\n\n"
        "@hookimpl\n"
        "def vaezoo_components():\n"
        "    return [ThinIce]\n"
    )
    spec = shell.write(matrix={"dataset": ["blobs", "thin_ice"]})
    done = shell.inside("--plugin", "thin_ice.py", "run", spec, *ON_RAY)
    assert done.code == 3
    assert "failed to load its images: ZeroDivisionError: too many: 6\n" in done.err
    assert "published 1 of 2 members to zoo" in done.out


@pytest.mark.usefixtures("cluster")
def test_unavailable_resources_are_refused(shell: Shell) -> None:
    done = shell.inside("run", shell.write(), *ON_RAY, "--cpus-per-run", "3")
    assert done.code == 3
    assert "error[VZ610]: no machine of the cluster has 3 CPUs for a run\n" in done.err
    done = shell.inside("run", shell.write(), "--on", "ray", "--gpus-per-run", "0.5")
    assert "error[VZ610]: no machine of the cluster has 1 CPU and 0.5 GPUs for a run\n" in done.err


@pytest.mark.usefixtures("cluster")
def test_from_python(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.runs.shell import PLUGIN
    from vaezoo.registry import discover

    monkeypatch.chdir(tmp_path)
    spec = shell.write(matrix={"train.seed": [0, 1]}, train={"epochs": 1})
    registry = discover([str(PLUGIN)])
    outcomes = vaezoo.sweep_on_ray(spec, zoo="zoo", device="cpu", registry=registry)
    assert [outcome.entry.name for outcome in outcomes if outcome.entry] == [
        "small-seed0",
        "small-seed1",
    ]
    assert outcomes[1].values == {"train.seed": 1}


def test_ctrl_c_stops_a_started_cluster_and_the_same_command_resumes(
    shell: Shell, cluster: None
) -> None:
    # so many that neither ends while the other is only being started
    spec = shell.write(matrix={"loss.beta": [1, 4]}, train={"epochs": 60})
    straight = shell.inside("run", spec, "--device", "cpu", "--zoo", "straight")
    assert straight.code == 0
    events = shell.folder / "events"
    shell.environment = {"BLOBS_PAUSE": "0.5", "BLOBS_EVENTS": str(events), "RAY_ADDRESS": "local"}
    with shell.start("run", spec, *ON_RAY) as process:
        wait_until(lambda: events.exists() and events.read_text().count("epoch 2\n") == 2)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert out == ""
    assert "interrupted: 0 of 2 members are done; the same command resumes" in error
    assert events.read_text().count("failed KeyboardInterrupt") == 2
    shell.environment = {}
    resumed = shell.inside("run", spec, *ON_RAY)
    assert resumed.code == 0, resumed.err
    assert resumed.err.count("resuming after epoch") == 2
    for name in NAMES:
        assert weights_of(shell, name) == weights_of(shell, name, "straight")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--together", "on"), "--together on trains all members in one process"),
        (("--on", "here", "--cpus-per-run", "2"), "--cpus-per-run needs --on ray"),
        (("--on", "here", "--gpus-per-run", "1"), "--gpus-per-run needs --on ray"),
        (("--device", "cuda:1"), "error[VZ610]: Ray assigns devices"),
    ],
)
def test_contradictory_options_are_refused(
    shell: Shell, options: tuple[str, ...], why: str
) -> None:
    done = shell.inside("run", shell.write(), "--on", "ray", *options)
    assert done.code == 2
    assert why in done.err


def test_torchrun_and_ray_cannot_be_combined(shell: Shell) -> None:
    shell.environment = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}
    done = shell.inside("run", shell.write(), "--on", "ray")
    assert done.code == 3
    assert "error[VZ609]: torchrun and Ray cannot be combined" in done.err


def test_without_ray_the_error_says_what_to_install(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = shell.inside("run", shell.write(), "--on", "ray")
    assert done.code == 2
    assert "error[VZ610]: --on ray needs Ray, which is not installed\n" in done.err
    assert "help: pip install 'vaezoo[ray]'" in done.err


def test_a_dead_worker_is_reported() -> None:
    exceptions = pytest.importorskip("ray.exceptions")
    (told,) = _explained(exceptions.WorkerCrashedError()).diagnostics
    assert told.message.startswith("the run's worker ended: The worker died unexpectedly")
    assert "resumes after its last complete epoch" in str(told.hint)


def test_an_invalid_spec_does_not_connect(tmp_path: Path) -> None:
    with pytest.raises(vaezoo.VaezooError, match="VZ101"):
        sweep_on_ray(tmp_path / "nothing.yaml")


def test_an_address_without_a_cluster_is_reported_at_once(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # it does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert not _accepts_connections(address)
        assert not _accepts_connections(f"ray://{address}")
        taken.listen()
        assert _accepts_connections(address)
    assert _accepts_connections("auto")
