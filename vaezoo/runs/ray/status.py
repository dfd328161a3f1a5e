"""How a member gets on, told from where it runs to where the command was given.

It is a small file in the sweep's folder, which all machines see anyway: it needs no process and
no port of its own.
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
    """What a member does at the moment, on which machine and device.

    ``execution`` says how its steps are taken, once that is known.
    ``means`` are the terms' running means over ``within``, the part of the next epoch that is
    done; ``last``, ``validation`` and ``images_per_second`` are of the last whole epoch. All
    terms are in nats per example.
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
        """From 0 to 1: how much of the training is done."""
        return (self.epochs_done + self.within) / self.epochs if self.epochs else 0.0


def read_status(path: Path) -> Status | None:
    """The last status that a file holds; None where there are none yet."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return Status(**{**found, "warnings": tuple(found["warnings"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_status(path: Path, status: Status) -> None:
    """Put the status in place of what the file held: whole, but in no hurry to reach the disk.

    Raises OSError.
    """
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(dataclasses.asdict(status)), "utf-8")
    os.replace(partial, path)
