"""How much memory images may use: half of what is free, or a limit from the environment.

Free memory comes from ``/proc/meminfo`` and from control groups (cgroups), by which containers and
batch systems set limits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from vaezoo.diagnostics import Diagnostic, UsageError
from vaezoo.system.files import in_units
from vaezoo.system.torchrun import Processes, runs_beside

#: Environment variables that limit the images of a run on its device and in host memory.
DEVICE, HOST = "VAEZOO_DEVICE_MEMORY", "VAEZOO_HOST_MEMORY"

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_CGROUPS = Path("/sys/fs/cgroup")
#: by controller name: the files of the limit and the usage in cgroups v1 and v2
_CONTROLLERS = {
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    "": ("memory.max", "memory.current"),
}


@dataclass(frozen=True)
class Budget:
    """A number of bytes, and a description of where it comes from."""

    bytes: int
    source: str


def budget_on(device: torch.device) -> Budget | None:
    """The bytes that images may use on a device; None where that is unknown.

    It is ``VAEZOO_DEVICE_MEMORY`` or half of the free memory: training needs the other half. A
    CPU uses host memory. Raises UsageError (VZ607) where a variable is not an amount of memory.
    """
    limit = _limit(DEVICE)
    if limit or device.type == "cpu":
        return limit or budget_in_host()
    free = _free_on(device)
    if free is None:
        return None
    return Budget(free // 2, f"half of the {in_units(free)} free on the {device.type} device")


def budget_in_host() -> Budget | None:
    """The bytes that copies of images may use in host memory; None where that is unknown.

    It is ``VAEZOO_HOST_MEMORY``, or half of the free memory divided by the number of processes
    that share it: those of a distributed run, times the runs that ``VAEZOO_SHARED_BY`` gives.
    Raises UsageError as ``budget_on`` does.
    """
    if limit := _limit(HOST):
        return limit
    amounts = [amount for amount in (_available(), *_cgroup_memory()) if amount is not None]
    if not amounts:
        return None
    free, sharing = min(amounts), Processes.of_environment().beside * runs_beside()
    shared = f", shared by {sharing} processes" if sharing > 1 else ""
    return Budget(free // 2 // sharing, f"half of the {in_units(free)} of free memory{shared}")


def _limit(name: str) -> Budget | None:
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        message = f"{name} is {text!r}, not an amount of memory"
        hint = "examples: 500MB, 2GB, 1.5GiB, 0"
        raise UsageError(Diagnostic("VZ607", message, hint=hint))
    number, unit, binary = found.groups()
    units = _BINARY_UNITS if binary else _UNITS
    count = int(float(number) * units[unit.lower()])
    return Budget(count, f"{name} ({in_units(count)})")


def _free_on(device: torch.device) -> int | None:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def _available() -> int | None:
    """Memory available without swapping on Linux; all memory on other systems."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        return int(text.partition("MemAvailable:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _cgroup_memory() -> Iterator[int]:
    """The memory left in each cgroup of this process."""
    for folder, names in _cgroups():
        try:
            limit, used = (int((folder / name).read_text("ascii")) for name in names)
            statistics = (folder / "memory.stat").read_text("ascii").split()
        except (OSError, ValueError):  # "max": no limit
            continue
        # cached files count as used, but the system drops them when memory is needed
        usage = dict(zip(statistics[::2], map(int, statistics[1::2]), strict=False))
        files = usage.get("active_file", 0) + usage.get("inactive_file", 0)
        yield max(limit - max(used - files, 0), 0)


def _cgroups() -> Iterator[tuple[Path, tuple[str, str]]]:
    """The cgroup folders of this process, innermost first, and the names of their files."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, names in _CONTROLLERS.items():
            if controller in controllers.split(","):
                root = _CGROUPS / controller
                # inside a container, its own cgroup is the root; ``path`` may not exist
                inner = root / path.strip("/")
                yield from (
                    (folder, names)
                    for folder in (inner, *inner.parents)
                    if folder.is_relative_to(root)
                )
