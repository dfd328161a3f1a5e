"""The processes that train one model together, as torchrun starts them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, RunError, UsageError

#: How many runs that know nothing of each other share the memory of this machine.
SHARING = "VAEZOO_SHARED_BY"
#: Seconds in which the first process says what all of them found; torchrun then ends the others.
_FIRST_WORD = 3.0


@dataclass(frozen=True)
class Processes:
    """This process's place among all: ``rank`` of ``count``, ``local_rank`` on its machine, where
    ``beside`` of them are."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    beside: int = 1

    @classmethod
    def of_environment(cls) -> Processes:
        """As the variables that torchrun sets say; one process alone where they are not set."""
        try:
            rank, count, local_rank = (
                int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")
            )
            beside = int(os.environ.get("LOCAL_WORLD_SIZE") or 1)
        except (KeyError, ValueError):
            return cls()
        return cls(rank, count, local_rank, beside)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes, draws and speaks."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """This process's part of so many rows; the parts of all differ by at most one row."""
        return slice(rows * self.rank // self.count, rows * (self.rank + 1) // self.count)


def runs_beside() -> int:
    """The number of independent runs on this machine, from ``VAEZOO_SHARED_BY``; default 1.

    Raises UsageError (VZ607) for an invalid number.
    """
    text = os.environ.get(SHARING, "").strip() or "1"
    if not text.isdecimal() or not int(text):
        message = f"{SHARING} is {text!r}, which is not a number of runs"
        raise UsageError(Diagnostic("VZ607", message, hint="write it as 4, or leave it out"))
    return int(text)


def let_the_first_speak() -> None:
    """Before an error is shown: wait, in all processes but the first, for what all would say.

    Returns only where torchrun has not ended this process, which is where the first is well.
    """
    if not Processes.of_environment().is_first:
        time.sleep(_FIRST_WORD)


def refuse_small_batches(processes: Processes, batch_size: int) -> None:
    """Raise RunError (VZ609) where a batch has no image for each process."""
    if batch_size < processes.count:
        raise apart(
            f"a batch of {batch_size} cannot be shared by {processes.count} processes",
            f"set train.batch_size to {processes.count} or more, or start fewer processes",
        )


def apart(message: str, hint: str) -> RunError:
    """What keeps processes from training together (VZ609)."""
    return RunError(Diagnostic("VZ609", message, hint=hint))
