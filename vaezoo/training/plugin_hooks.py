"""Call the run hooks of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaezoo.model import VAE
from vaezoo.registry import EpochRecord, ImageData, PublishedEntry, Registry, RunInfo
from vaezoo.spec.spec import Spec
from vaezoo.training.execution.choose_step import ExecutionPlan
from vaezoo.training.observer import Observer
from vaezoo.training.resume_hint import interrupted


class HookedObserver(Observer):
    """Calls another observer and the run hooks of all plugins.

    A plugin that raises does not stop the run; the other observer gets a warning.
    """

    def __init__(
        self,
        inner: Observer,
        registry: Registry,
        directory: Path,
        lock: dict[str, Any],
        data: ImageData,
    ) -> None:
        self._inner = inner
        self._registry = registry
        self._directory = directory
        self._lock = lock
        self._data = data
        self._run: RunInfo | None = None
        self.epochs_done: int | None = None  # None until the checkpoint is read

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        self.epochs_done = epochs_done
        self._run = RunInfo(
            spec, self._directory, str(model.device), model, self._lock, self._data, epochs_done
        )
        self._inner.started(spec, model, epochs_done, images)
        self._notify("vaezoo_run_started")

    def compiling(self) -> None:
        self._inner.compiling()

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        self._inner.execution_chosen(execution)

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        self._inner.advanced(epoch, images, means)

    def finished_epoch(self, record: EpochRecord) -> None:
        self.epochs_done = record.epoch
        self._inner.finished_epoch(record)
        self._notify("vaezoo_epoch_finished", record=record)

    def finished(self, entry: PublishedEntry) -> None:
        self._notify("vaezoo_run_finished", entry=entry)
        self._inner.finished(entry)

    @contextmanager
    def failures_reported(self) -> Iterator[None]:
        """Report an error to the plugins; raise Interrupted (VZ605) for Ctrl-C."""
        try:
            yield
        except KeyboardInterrupt as error:
            self._notify("vaezoo_run_failed", error=error)
            raise interrupted(self.epochs_done) from None
        except Exception as error:
            self._notify("vaezoo_run_failed", error=error)
            raise

    def _notify(self, hook: str, **arguments: Any) -> None:
        if self._run is not None:
            for failure in self._registry.notify(hook, run=self._run, **arguments):
                self._inner.warned(failure)
