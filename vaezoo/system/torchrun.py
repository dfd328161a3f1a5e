"""The processes of one distributed training, as started by torchrun."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, RunError, UsageError

#: Variable with the number of independent runs that share the memory of this machine.
SHARING = "VAEZOO_SHARED_BY"
#: Seconds in which the first process reports an error; then torchrun ends the others.
_REPORT_TIME = 3.0


@dataclass(frozen=True)
class Processes:
    """This process among all: ``rank`` of ``count``, and ``local_rank`` of the ``beside`` ones on
    its machine."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    beside: int = 1

    @classmethod
    def of_environment(cls) -> Processes:
        """From the variables of torchrun; a single process without them."""
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
        """Whether this process evaluates, writes, draws and prints."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """This process's part of the rows. The sizes of all parts differ by at most one."""
        return slice(rows * self.rank // self.count, rows * (self.rank + 1) // self.count)


def runs_beside() -> int:
    """The number of independent runs on this machine, from ``VAEZOO_SHARED_BY``; default 1.

    Raises UsageError (VZ607) for an invalid number.
    """
    text = os.environ.get(SHARING, "").strip() or "1"
    if not text.isdecimal() or not int(text):
        message = f"{SHARING} is {text!r}, which is not a number of runs"
        raise UsageError(Diagnostic("VZ607", message, hint="set it to a number such as 4"))
    return int(text)


def let_first_process_report() -> None:
    """Before showing an error, give the first process time to show the same one.

    torchrun then ends the other processes. This returns if the first process has no error.
    """
    if not Processes.of_environment().is_first:
        time.sleep(_REPORT_TIME)


def refuse_small_batches(processes: Processes, batch_size: int) -> None:
    """Raise RunError (VZ609) if a batch has fewer images than there are processes."""
    if batch_size < processes.count:
        raise apart(
            f"{processes.count} processes cannot share a batch of {batch_size}",
            f"set train.batch_size to {processes.count} or more, or start fewer processes",
        )


def apart(message: str, hint: str) -> RunError:
    """The error that processes cannot train together (VZ609)."""
    return RunError(Diagnostic("VZ609", message, hint=hint))
