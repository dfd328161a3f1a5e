"""Track vaezoo runs in TensorBoard with the run hooks.

Each run has a folder of its own in ``$VAEZOO_TENSORBOARD``, or in ``tensorboard`` where that is
not set. Nothing of TensorBoard is imported before a run starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaezoo import hookimpl

if TYPE_CHECKING:
    from vaezoo import EpochRecord, RunInfo
    from vaezoo.registry import PublishedEntry

__all__: list[str] = []


@hookimpl
def vaezoo_run_started(run: RunInfo) -> None:
    """Open the run's log; a resumed run continues after its checkpoint."""
    from vaezoo_tensorboard import tracker

    tracker.started(run)


@hookimpl
def vaezoo_epoch_finished(run: RunInfo, record: EpochRecord) -> None:
    """Write the epoch's values and pictures."""
    from vaezoo_tensorboard import tracker

    tracker.finished_epoch(run, record)


@hookimpl
def vaezoo_run_finished(run: RunInfo, entry: PublishedEntry) -> None:
    """Write the figures of the test split and the entry's pictures."""
    from vaezoo_tensorboard import tracker

    tracker.finished(run, entry)


@hookimpl
def vaezoo_run_failed(run: RunInfo, error: BaseException) -> None:
    """Write the error that ended the run."""
    from vaezoo_tensorboard import tracker

    tracker.failed(run, error)
