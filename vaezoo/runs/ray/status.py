"""The status of a member's run, sent from a worker to the command through a file.

The file is in the sweep's folder, which all machines see; it needs no extra process or port.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Status:
    """What a member is doing, on which machine and device.

    ``execution`` describes how its steps run, once that is chosen. ``within`` is the finished part
    of the current epoch, and ``means`` are the running means of the terms over it. ``last``,
    ``validation`` and ``images_per_second`` are those of the last complete epoch. All terms are in
    nats per example.
    """

    doing: str = "starting"
    host: str = ""
    device: str = ""
    threads: int = 0
    images: int = 0
    epochs: int = 0
    epochs_before: int = 0
    execution: str = ""
    epochs_done: int = 0
    within: float = 0.0
    means: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)
    validation: float | None = None
    images_per_second: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def part_done(self) -> float:
        """The finished part of the training, from 0 to 1."""
        return (self.epochs_done + self.within) / self.epochs if self.epochs else 0.0


def read_status(path: Path) -> Status | None:
    """The status in a file; None where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return Status(**{**found, "warnings": tuple(found["warnings"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_status(path: Path, status: Status) -> None:
    """Replace the file atomically, without waiting for the disk. Raises OSError."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(dataclasses.asdict(status)), "utf-8")
    os.replace(partial, path)
