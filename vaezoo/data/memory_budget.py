"""How much memory images may take: what is free of it, or what the environment says.

The system's own figures are read without a library of their own: ``/proc/meminfo`` and the
memory controller of control groups, through which containers and batch systems set limits.
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

#: How much memory the images of a run may take, on its device and in the host's memory.
DEVICE, HOST = "VAEZOO_DEVICE_MEMORY", "VAEZOO_HOST_MEMORY"

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
_GROUPS = Path("/sys/fs/cgroup")
#: names of the limit and of what is used, in the first and the second version of control groups
_CONTROLLERS = {
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    "": ("memory.max", "memory.current"),
}


@dataclass(frozen=True)
class Budget:
    """So many bytes, and where the number comes from, in words."""

    bytes: int
    said: str


def budget_on(device: torch.device) -> Budget | None:
    """What images may take on a device; None where nobody knows.

    It is half of what is free, so that training has the other half, unless
    ``VAEZOO_DEVICE_MEMORY`` says otherwise. A CPU's memory is the host's.
    Raises UsageError (VZ607) where a variable is no amount of memory.
    """
    given = _given(DEVICE)
    if given or device.type == "cpu":
        return given or budget_in_host()
    free = _free_on(device)
    if free is None:
        return None
    return Budget(free // 2, f"half of the {in_units(free)} that the {device.type} device has free")


def budget_in_host() -> Budget | None:
    """What copies of images may take in this process's memory; None where nobody knows.

    Half of what is free, shared by the processes of a machine that train together and by as many
    runs as ``VAEZOO_SHARED_BY`` says, unless ``VAEZOO_HOST_MEMORY`` says otherwise.
    Raises UsageError as ``budget_on`` does.
    """
    if given := _given(HOST):
        return given
    rooms = [room for room in (_available(), *_left_to_groups()) if room is not None]
    if not rooms:
        return None
    free, sharing = min(rooms), Processes.of_environment().beside * runs_beside()
    among = f", shared by {sharing} processes" if sharing > 1 else ""
    return Budget(free // 2 // sharing, f"half of the {in_units(free)} of free memory{among}")


def _given(name: str) -> Budget | None:
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        message = f"{name} is {text!r}, which is no amount of memory"
        hint = "write it as 500MB, 2GB or 1.5GiB; 0 is possible"
        raise UsageError(Diagnostic("VZ607", message, hint=hint))
    number, unit, binary = found.groups()
    units = _BINARY_UNITS if binary else _UNITS
    count = int(float(number) * units[unit.lower()])
    return Budget(count, f"the {in_units(count)} of {name}")


def _free_on(device: torch.device) -> int | None:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return None


def _available() -> int | None:
    """What the system can give to programs without swapping; elsewhere than on Linux, all."""
    try:
        text = Path("/proc/meminfo").read_text("ascii")
        return int(text.partition("MemAvailable:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _left_to_groups() -> Iterator[int]:
    """What the control groups that this process is in may still take, each."""
    for folder, names in _groups():
        try:
            limit, used = (int((folder / name).read_text("ascii")) for name in names)
            statistics = (folder / "memory.stat").read_text("ascii").split()
        except (OSError, ValueError):  # "max": no limit
            continue
        # files that were read count as used, and give way to whoever needs the memory
        kept = dict(zip(statistics[::2], map(int, statistics[1::2]), strict=False))
        files = kept.get("active_file", 0) + kept.get("inactive_file", 0)
        yield max(limit - max(used - files, 0), 0)


def _groups() -> Iterator[tuple[Path, tuple[str, str]]]:
    """Folders of memory controllers, from this process's groups up, and their files' names."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, names in _CONTROLLERS.items():
            if controller in controllers.split(","):
                root = _GROUPS / controller
                # a container sees its own group as the root, whatever it is called outside
                inner = root / path.strip("/")
                yield from (
                    (folder, names)
                    for folder in (inner, *inner.parents)
                    if folder.is_relative_to(root)
                )
