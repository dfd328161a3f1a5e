"""Tells how a run goes by a file that others read."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.cluster.news import News, write_news
from vaezoo.registry import EpochRecord
from vaezoo.training import Observer

if TYPE_CHECKING:
    import torch

    from vaezoo.model import VAE
    from vaezoo.spec import Spec
    from vaezoo.training.roads import Road

#: Seconds between two pieces of news while a member trains.
_APART = 0.5


class Teller(Observer):
    """Keeps the news of its run in a file; where it cannot be written, the run goes on untold."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._news = News(host=platform.node())
        self._told = 0.0

    def loading(self, spec: Spec, device: torch.device) -> None:
        import torch

        threads = torch.get_num_threads()
        where = {"device": device.type, "threads": threads, "epochs": spec.train.epochs}
        self._tell(doing="loading images", **where)

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        self._tell(
            doing="training", images=images, epochs_before=epochs_done, epochs_done=epochs_done
        )

    def compiling(self) -> None:
        self._tell(doing="compiling the training step")

    def taking(self, road: Road) -> None:
        self._tell(doing="training", road=str(road))

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        if time.monotonic() - self._told >= _APART:
            self._tell(doing="training", within=images / self._news.images, means=dict(means))

    def finished_epoch(self, record: EpochRecord) -> None:
        self._learn(
            doing="training",
            epochs_done=record.epoch,
            within=0.0,
            last=record.train,
            validation=record.validation["elbo"] if record.validation else None,
            images_per_second=record.images_per_second,
        )
        if time.monotonic() - self._told >= _APART or record.epoch == self._news.epochs:
            self._tell()

    def evaluating(self, what: str, examples: int) -> None:
        self._tell(doing=f"taking {what}")

    def drawing(self, picture: str) -> None:
        self._tell(doing=f"drawing {picture}")

    def warned(self, message: str) -> None:
        self._tell(warnings=(*self._news.warnings, message))

    def _learn(self, **changes: Any) -> None:
        self._news = dataclasses.replace(self._news, **changes)

    def _tell(self, **changes: Any) -> None:
        self._learn(**changes)
        self._told = time.monotonic()
        with contextlib.suppress(OSError):
            write_news(self._path, self._news)
