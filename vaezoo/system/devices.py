"""Where tensors live: the device that a name means on this machine."""

from __future__ import annotations

import torch

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.system.torchrun import Processes, apart


def available() -> list[str]:
    """The kinds of device that this machine has, the fastest first."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose(name: str) -> torch.device:
    """The device called ``name``: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    ``auto`` is the fastest there is. Raises RunError (VZ602) for one that is not there.
    """
    there_are = available()
    if name == "auto":
        return torch.device(there_are[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        raise _refused(name, there_are) from None
    if device.type not in there_are:
        raise _refused(name, there_are)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise _refused(name, [f"cuda:{i}" for i in range(torch.cuda.device_count())] + ["cpu"])
    return device


def choose_among(name: str, processes: Processes) -> torch.device:
    """The device of one of several processes: of GPUs, each takes that of its local rank.

    Raises RunError (VZ602) for a device that is not there, (VZ609) for one that all would take.
    """
    device = choose(name)
    if processes.count == 1 or device.type == "cpu":
        return device
    if str(device) == "cuda":
        return choose(f"cuda:{processes.local_rank}")
    raise apart(
        f"{processes.count} processes cannot train on the one device {device}",
        "leave --device out or say --device cuda, and each takes a GPU of its own",
    )


def _refused(name: str, there_are: list[str]) -> RunError:
    return RunError(
        Diagnostic(
            "VZ602",
            f"there is no device {name!r} on this machine",
            hint=f"choose auto or one of: {', '.join(there_are)}",
        )
    )
