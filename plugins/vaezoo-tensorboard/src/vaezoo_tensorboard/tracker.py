"""Write the data of each run hook."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch

from vaezoo.data.image_grid import grid
from vaezoo.data.pixels import to_unit
from vaezoo.system.yaml_writer import resolved_text
from vaezoo_tensorboard.log import Log, picture, scalar, text

if TYPE_CHECKING:
    from pathlib import Path

    from tensorboard.compat.proto.summary_pb2 import Summary
    from torch import Tensor

    from vaezoo import EpochRecord, Figure, RunInfo
    from vaezoo.registry import PublishedEntry

_COLUMNS, _SAMPLES = 10, 50
#: epochs after which pictures are drawn only every tenth epoch
_EVERY_EPOCH_UNTIL = 10


def started(run: RunInfo) -> None:
    """The spec and the lock as text."""
    log = _log(run)
    if run.epochs_done:
        log.resume(run.epochs_done)
        return
    log.begin()
    lock = json.dumps(run.lock, indent=1, ensure_ascii=False)
    log.write(
        0,
        [
            text("spec", _listing("yaml", resolved_text(run.spec.canonical()))),
            text("lock", _listing("json", lock)),
        ],
    )


def finished_epoch(run: RunInfo, record: EpochRecord) -> None:
    """Every term, weight and speed as a scalar; reconstructions and samples as images."""
    values = list(_scalars(record))
    if record.epoch <= _EVERY_EPOCH_UNTIL or record.epoch % 10 == 0:
        values += _pictures(run)
    _log(run).write(record.epoch, values)


def finished(run: RunInfo, entry: PublishedEntry) -> None:
    """The figures of the entry, and its pictures."""
    figures = entry.metrics.figures
    values = [scalar(f"{figure.split}/{figure.name}", figure.value) for figure in figures]
    values += [_from_file(f"entry/{path.stem}", path) for path in entry.figures]
    values.append(text("figures", _table(figures)))
    _log(run).write(_last_epoch(entry), values)


def failed(run: RunInfo, error: BaseException) -> None:
    """The error as text."""
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    _log(run).write(run.epochs_done, [text("ended early", message)])


def _log(run: RunInfo) -> Log:
    return Log.of_run(run.directory.name)


def _scalars(record: EpochRecord) -> Iterator[Summary.Value]:
    for split, terms in (("train", record.train), ("validation", record.validation)):
        yield from _named(split, terms or {})
    for name, weight in record.weights.items():
        yield scalar(f"weights/{name}", weight)
    yield scalar("training/learning_rate", record.learning_rate)
    yield scalar("training/images_per_second", record.images_per_second)


def _named(split: str, terms: Mapping[str, float]) -> Iterator[Summary.Value]:
    """One chart per term with all splits."""
    for name, value in terms.items():
        yield scalar(f"{name}/{split}", value)


def _pictures(run: RunInfo) -> Iterator[Summary.Value]:
    if run.spec.dataset.image_shape.channels not in (1, 3):
        return
    stored, labels = run.data.test.images[:_COLUMNS], run.data.test.labels
    given = None if labels is None else labels[:_COLUMNS]
    again = run.model.reconstruct(stored, given).cpu()
    above_and_below = torch.cat((to_unit(stored), again))
    yield _from_images("images/reconstructions", above_and_below)
    yield _from_images("images/samples", run.model.sample(_SAMPLES))


def _from_images(tag: str, images: Tensor) -> Summary.Value:
    image = grid(images, columns=_COLUMNS)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return picture(tag, file.getvalue(), image)


def _from_file(tag: str, path: Path) -> Summary.Value:
    from PIL import Image

    with Image.open(path) as image:
        return picture(tag, path.read_bytes(), image)


def _listing(language: str, content: str) -> str:
    return f"```{language}\n{content.rstrip()}\n```"


def _table(figures: tuple[Figure, ...]) -> str:
    """A table of the figures with their protocol."""
    rows = [
        "| figure | value | unit | likelihood | binarisation | samples of z |",
        "|---" * 6 + "|",
    ]
    for figure in figures:
        error = f" ± {figure.standard_error:.2g}" if figure.standard_error else ""
        cells = (
            f"{figure.split}/{figure.name}",
            f"{figure.value:.6g}{error}",
            figure.unit,
            figure.likelihood,
            figure.binarisation,
            str(figure.samples or "–"),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _last_epoch(entry: PublishedEntry) -> int:
    """The last epoch of the run."""
    return len((entry.path / "history.jsonl").read_text("utf-8").splitlines())
