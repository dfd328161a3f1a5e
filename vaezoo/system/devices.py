"""Choose a torch device by name."""

from __future__ import annotations

import torch

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.system.torchrun import Processes, apart


def available() -> list[str]:
    """The types of device on this machine, the fastest first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose(name: str) -> torch.device:
    """The device called ``name``: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` is the fastest. Raises RunError (VZ602) for an unavailable device.
    """
    types = available()
    if name == "auto":
        return torch.device(types[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        raise _unavailable(name, types) from None
    if device.type not in types:
        raise _unavailable(name, types)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _unavailable(name, [f"cuda:{i}" for i in range(torch.cuda.device_count())] + ["cpu"])
    return device


def choose_among(name: str, processes: Processes) -> torch.device:
    """The device of one of several processes: the GPU of its local rank, or the CPU.

    Raises RunError (VZ602) for an unavailable device, (VZ609) for one that all would share.
    """
    device = choose(name)
    if processes.count == 1 or device.type == "cpu":
        return device
    if str(device) == "cuda":
        return choose(f"cuda:{processes.local_rank}")
    raise apart(
        f"{processes.count} processes cannot share the device {device}",
        "omit --device or use --device cuda, to give each process its own GPU",
    )


def _unavailable(name: str, devices: list[str]) -> RunError:
    hint = f"choose auto or one of: {', '.join(devices)}"
    return RunError(Diagnostic("VZ602", f"no device {name!r} on this machine", hint=hint))
