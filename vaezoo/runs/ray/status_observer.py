"""Write the status of a run to a file."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.registry import EpochRecord
from vaezoo.runs.ray.status import Status, write_status
from vaezoo.training import Observer

if TYPE_CHECKING:
    import torch

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec
    from vaezoo.training.execution.choose_step import ExecutionPlan

#: Seconds between two writes during training.
_INTERVAL_SECONDS = 0.5


class StatusObserver(Observer):
    """Writes the status of its run to a file; ignores a file that cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._status = Status(host=platform.node())
        self._last_written = 0.0

    def loading(self, spec: Spec, device: torch.device) -> None:
        import torch

        threads = torch.get_num_threads()
        self._write(
            doing="loading images",
            device=device.type,
            threads=threads,
            epochs=spec.train.epochs,
        )

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        self._write(
            doing="training", images=images, epochs_before=epochs_done, epochs_done=epochs_done
        )

    def compiling(self) -> None:
        self._write(doing="compiling the training step")

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        self._write(doing="training", execution=str(execution))

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        if time.monotonic() - self._last_written >= _INTERVAL_SECONDS:
            self._write(doing="training", within=images / self._status.images, means=dict(means))

    def finished_epoch(self, record: EpochRecord) -> None:
        self._update(
            doing="training",
            epochs_done=record.epoch,
            within=0.0,
            last=record.train,
            validation=record.validation["elbo"] if record.validation else None,
            images_per_second=record.images_per_second,
        )
        if (
            time.monotonic() - self._last_written >= _INTERVAL_SECONDS
            or record.epoch == self._status.epochs
        ):
            self._write()

    def fitting(self, sampler: str, images: int) -> None:
        self._write(doing=f"fitting the sampler {sampler}")

    def evaluating(self, what: str, examples: int) -> None:
        self._write(doing=f"computing {what}")

    def drawing(self, picture: str) -> None:
        self._write(doing=f"drawing {picture}")

    def warned(self, message: str) -> None:
        self._write(warnings=(*self._status.warnings, message))

    def _update(self, **changes: Any) -> None:
        self._status = dataclasses.replace(self._status, **changes)

    def _write(self, **changes: Any) -> None:
        self._update(**changes)
        self._last_written = time.monotonic()
        with contextlib.suppress(OSError):
            write_status(self._path, self._status)
