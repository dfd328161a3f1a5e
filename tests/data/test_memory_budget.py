"""How much memory images may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from vaezoo.data import memory_budget
from vaezoo.data.memory_budget import budget_in_host, budget_on
from vaezoo.diagnostics import UsageError
from vaezoo.system.files import in_units
from vaezoo.system.torchrun import SHARING

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        memory_budget.DEVICE,
        memory_budget.HOST,
        SHARING,
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("1000", 1000),
        ("500MB", 500_000_000),
        ("2 GB", 2_000_000_000),
        ("1.5gib", 3 * 2**29),
        (" 3k ", 3000),
        ("2TiB", 2**41),
    ],
)
def test_amounts_with_units_are_read(
    text: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(memory_budget.HOST, text)
    budget = budget_in_host()
    assert budget is not None
    assert budget.bytes == count
    assert budget.source == f"VAEZOO_HOST_MEMORY ({in_units(count)})"


@pytest.mark.parametrize("text", ["lots", "-1", "2 GB free", "1e9", "MB"])
def test_invalid_amounts_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_budget.DEVICE, text)
    with pytest.raises(
        UsageError, match=r"VZ607.*VAEZOO_DEVICE_MEMORY is .*not an amount of memory"
    ):
        budget_on(CPU)


def test_a_cpu_uses_host_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory_budget.HOST, "7MB")
    assert budget_on(CPU) == budget_in_host()
    monkeypatch.setenv(memory_budget.DEVICE, "3MB")
    device, host = budget_on(CPU), budget_in_host()
    assert device is not None
    assert host is not None
    assert (device.bytes, host.bytes) == (3_000_000, 7_000_000)


def test_the_budget_is_less_than_half_of_all_memory() -> None:
    budget = budget_in_host()
    assert budget is not None
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < budget.bytes <= total // 2
    assert budget.source.startswith("half of the ")


def test_processes_of_one_machine_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_budget, "_available", lambda: 8_000_000)
    monkeypatch.setattr(memory_budget, "_cgroups", lambda: iter(()))
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    budget = budget_in_host()
    assert budget is not None
    assert budget.bytes == 1_000_000
    assert budget.source == "half of the 8.0 MB of free memory, shared by 4 processes"


def test_independent_runs_share_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_budget, "_available", lambda: 8_000_000)
    monkeypatch.setattr(memory_budget, "_cgroups", lambda: iter(()))
    monkeypatch.setenv(SHARING, "8")
    budget = budget_in_host()
    assert budget is not None
    assert budget.bytes == 500_000
    monkeypatch.setenv(SHARING, "0")
    with pytest.raises(UsageError, match=r"VZ607.*VAEZOO_SHARED_BY is '0', .*not a number of runs"):
        budget_in_host()


GROUPS = {
    "second version": ("memory.max", "memory.current", ""),
    "first version": ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory"),
}


@pytest.mark.parametrize("version", GROUPS)
def test_a_cgroup_limit_applies(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit, used, controller = GROUPS[version]
    inner = tmp_path / controller / "job" / "step"
    inner.mkdir(parents=True)
    (inner / limit).write_text("max\n" if not controller else f"{2**63}\n")
    (inner / used).write_text("900\n")
    (inner / "memory.stat").write_text("anon 300\n")
    (inner.parent / limit).write_text("2000\n")
    (inner.parent / used).write_text("1500\n")
    (inner.parent / "memory.stat").write_text("anon 900\nactive_file 200\ninactive_file 400\n")
    found = [(inner, (limit, used)), (inner.parent, (limit, used))]
    monkeypatch.setattr(memory_budget, "_cgroups", lambda: iter(found))
    monkeypatch.setattr(memory_budget, "_available", lambda: 10**9)
    budget = budget_in_host()
    assert budget is not None
    assert budget.bytes == (2000 - (1500 - 600)) // 2


def test_cgroups_are_searched_innermost_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def lines(path: Path, encoding: str) -> str:
        assert path == Path("/proc/self/cgroup")
        return "4:cpu,memory:/job/step\n3:cpuset:/\n0::/user/shell\n"

    monkeypatch.setattr(Path, "read_text", lines)
    folders = [
        folder.relative_to("/sys/fs/cgroup").as_posix() for folder, _ in memory_budget._cgroups()
    ]
    assert folders == ["memory/job/step", "memory/job", "memory", "user/shell", "user", "."]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_free_memory_of_a_gpu() -> None:
    gpu = torch.device("cuda")
    before = budget_on(gpu)
    held = torch.empty(2**28, dtype=torch.uint8, device=gpu)
    after = budget_on(gpu)
    assert before is not None
    assert after is not None
    assert before.bytes - after.bytes >= held.nbytes // 2
    assert after.source.endswith("free on the cuda device")
