"""Progress of a sweep on Ray."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers import small_spec
from vaezoo.cli.sweep_progress import LiveSweepProgress, Pace, PlainSweepProgress, describe_moment
from vaezoo.runs.ray import MemberProgress, Status
from vaezoo.runs.ray.cluster import Cluster, Share

MEANS = {"objective": 25.5, "reconstruction": 25.0, "kl": 0.5}
ONE = Share(cpus=1, gpus=0.0, device="cpu")
BEGUN = Status("training", "node1", "cpu", 1, images=72, epochs=4)


def of_machines(*machines: dict[str, float]) -> Cluster:
    """A cluster of these machines, and one that is gone."""
    nodes = [{"Alive": True, "Resources": machine} for machine in machines]
    gone = {"Alive": False, "Resources": {"CPU": 64.0}}
    ray: Any = SimpleNamespace(nodes=lambda: [*nodes, gone])
    return Cluster(ray, [])


@pytest.fixture
def members() -> list[MemberProgress]:
    """Three members. The first was finished before."""
    first, *others = (small_spec(name=f"member{n}") for n in range(3))
    return [MemberProgress(first, "done"), *map(MemberProgress, others)]


@pytest.mark.parametrize("kind", [PlainSweepProgress, LiveSweepProgress])
def test_members_start_warn_and_end_in_permanent_lines(
    kind: type[PlainSweepProgress | LiveSweepProgress],
    members: list[MemberProgress],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, first, second = members
    with kind() as shown:
        shown.connecting()
        shown.sending(members, of_machines({"CPU": 2.0}, {"CPU": 1.0}), ONE)
        first.state, first.status = "running", BEGUN
        shown.changed(first)
        first.status = Status("training", images=72, epochs=4, epochs_done=1, last=MEANS)
        shown.changed(first)
        first.status = Status(warnings=("a hook failed",), images=72, epochs=4, execution="by foot")
        shown.changed(first)
        shown.polled()
        first.state, second.state = "done", "failed"
        shown.changed(first)
        shown.changed(second)
        shown.stopping()
    told = capsys.readouterr().err
    for line in (
        "Ray: 3 CPUs on 2 machines; 2 members, 2 at once, 1 CPU each, 1 done before\n",
        "member1: training on cpu (1 thread) of node1, 72 images, for 4 epochs\n",
        "member1: warning: a hook failed\n",
        "member1: by foot\n",
        "member1: published (2 of 3 done, 1 failed)\n",
        "member2: failed, see below (2 of 3 done, 1 failed)\n",
    ):
        assert told.count(line) == 1, told


def test_a_log_has_an_epoch_of_a_member_now_and_then(
    members: list[MemberProgress], capsys: pytest.CaptureFixture[str]
) -> None:
    _, first, _ = members
    with PlainSweepProgress() as shown:
        shown.sending(members, of_machines({"CPU": 2.0}), ONE)
        for epoch in range(1, 5):
            last = {**MEANS, "objective": 30.0 - epoch}
            first.status = Status(
                images=72, epochs=4, epochs_done=epoch, last=last, validation=-26.0
            )
            first.state = "running"
            shown.changed(first)
    told = [line for line in capsys.readouterr().err.splitlines() if ": epoch" in line]
    assert [line.split("  ")[0] for line in told] == ["member1: epoch 1/4", "member1: epoch 4/4"]
    assert "objective 29.00  reconstruction 25.00  KL 0.50  validation ELBO -26.00" in told[0]


def test_time_left_is_estimated_from_the_work_since_the_start(
    members: list[MemberProgress],
) -> None:
    pace = Pace(members)
    assert pace.describe_left() == "ETA -:--"
    members[1].status = Status(epochs=4, epochs_done=2)
    pace._clock._began -= 60.0  # a quarter of what was to do took a minute
    assert pace.describe_left() == "ETA 3:00"
    assert pace.describe_count() == "1 of 3 done"


def test_a_moment_in_few_words() -> None:
    assert describe_moment(Status("computing test figures")) == "computing test figures"
    status = Status("training", epochs=4, epochs_done=1, within=0.5, means=MEANS)
    assert describe_moment(status) == "epoch 2/4  objective 25.50"


def test_each_member_gets_a_gpu_if_available_unless_set() -> None:
    with_gpus = of_machines({"CPU": 16.0, "GPU": 2.0}, {"CPU": 16.0})
    assert with_gpus.share("auto", 1, None) == Share(1, 1.0, "cuda")
    assert with_gpus.share("cpu", 1, None) == Share(1, 0.0, "cpu")
    assert with_gpus.share("auto", 1, 0.0) == Share(1, 0.0, "cpu")
    assert with_gpus.capacity(with_gpus.share("auto", 1, None)) == 2
    assert with_gpus.capacity(with_gpus.share("cuda", 1, 0.25)) == 8
    assert with_gpus.capacity(with_gpus.share("cuda", 12, 0.25)) == 1
    assert with_gpus.capacity(with_gpus.share("cpu", 12, None)) == 2
    assert of_machines({"CPU": 2.0}).share("auto", 2, None) == Share(2, 0.0, "cpu")
