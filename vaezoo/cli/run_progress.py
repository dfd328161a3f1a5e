"""Progress of a run: a live bar on a terminal, otherwise a line per epoch."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Any, Self

import click

from vaezoo.cli.text_tables import counted
from vaezoo.diagnostics.printable import in_log
from vaezoo.registry import EpochRecord, Figure
from vaezoo.registry.verdicts import in_words
from vaezoo.system.files import in_units
from vaezoo.training import Observer
from vaezoo.zoo.search import shipped_folder, words_for, zoo_option

if TYPE_CHECKING:
    import torch
    from rich.console import RenderableType

    from vaezoo.model import VAE
    from vaezoo.spec.spec import Spec
    from vaezoo.training.execution.choose_step import ExecutionPlan
    from vaezoo.zoo import Entry


def progress() -> LiveProgress | PlainProgress:
    """Live progress on a terminal, plain lines otherwise."""
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()


class PlainProgress(Observer):
    """One line per epoch, for logs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def member(self, spec: Spec, number: int, out_of: int, *, is_done: bool) -> None:
        click.echo(describe_member(spec, number, out_of, is_done), err=True)

    def together(self, members: int, reason: str | None) -> None:
        click.echo(describe_together(members, reason), err=True)

    def loading(self, spec: Spec, device: torch.device) -> None:
        click.echo(f"{spec.name}: training on {describe_device(device)}", err=True)

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        self._epochs = spec.train.epochs
        self._clock = Clock(epochs_done, spec.train.epochs)
        click.echo(describe_start(spec, model, epochs_done, images), err=True)

    def compiling(self) -> None:
        click.echo("compiling the training step", err=True)

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        self._clock.restart()
        click.echo(f"{execution}", err=True)

    def finished_epoch(self, record: EpochRecord) -> None:
        left = self._clock.left(record.epoch)
        click.echo(
            f"epoch {record.epoch}/{self._epochs}  {describe_means(record.train)}"
            f"{describe_validation(elbo_of(record))}  "
            f"{record.images_per_second:,.0f} images/s  ETA {describe_seconds(left)}",
            err=True,
        )

    def fitting(self, sampler: str, images: int) -> None:
        click.echo(describe_fit(sampler, images), err=True)

    def evaluating(self, what: str, examples: int) -> None:
        click.echo(f"computing {what}", err=True)

    def drawing(self, picture: str) -> None:
        click.echo(f"drawing {picture}", err=True)

    def warned(self, message: str) -> None:
        click.echo(in_log(f"warning: {message}"), err=True)


class LiveProgress(Observer):
    """A progress bar with current metrics, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[eta]}"),
            expand=True,
        )
        self._task = self._bar.add_task("", total=None, rate="", eta="")
        self._figures = ""
        self._validation = ""
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._figures = ""
            self._bar.update(self._task, visible=False)
        self._live.stop()

    def member(self, spec: Spec, number: int, out_of: int, *, is_done: bool) -> None:
        self._validation = ""
        self._print(describe_member(spec, number, out_of, is_done))

    def together(self, members: int, reason: str | None) -> None:
        self._print(describe_together(members, reason))

    def loading(self, spec: Spec, device: torch.device) -> None:
        self._print(f"{spec.name}: training on {describe_device(device)}")
        self._update(description="loading images")

    def started(self, spec: Spec, model: VAE, epochs_done: int, images: int) -> None:
        self._epochs, self._images = spec.train.epochs, images
        self._clock = Clock(epochs_done, spec.train.epochs)
        self._print(describe_start(spec, model, epochs_done, images))
        self._bar.reset(
            self._task, total=self._epochs * images, completed=epochs_done * images, rate="", eta=""
        )
        self._update(description=f"epoch {min(epochs_done + 1, self._epochs)}/{self._epochs}")

    def compiling(self) -> None:
        self._update(description="compiling the training step")

    def execution_chosen(self, execution: ExecutionPlan) -> None:
        self._clock.restart()
        self._print(f"{execution}")

    def advanced(self, epoch: int, images: int, means: dict[str, float]) -> None:
        done = epoch - 1 + images / self._images
        self._figures = f"{describe_means(means)}{self._validation}"
        self._update(
            description=f"epoch {epoch}/{self._epochs}",
            completed=done * self._images,
            rate=f"{self._clock.rate(done) * self._images:,.0f} images/s",
            eta=f"ETA {describe_seconds(self._clock.left(done))}",
        )

    def finished_epoch(self, record: EpochRecord) -> None:
        self._validation = describe_validation(elbo_of(record))
        self.advanced(record.epoch, self._images, record.train)

    def fitting(self, sampler: str, images: int) -> None:
        self._figures = ""
        self._update(description=describe_fit(sampler, images))

    def evaluating(self, what: str, examples: int) -> None:
        self._figures = ""
        self._bar.reset(
            self._task, total=examples, rate="", eta="", description=f"computing {what}"
        )

    def evaluated(self, examples: int) -> None:
        self._bar.advance(self._task, examples)

    def drawing(self, picture: str) -> None:
        self._update(description=f"drawing {picture}")

    def warned(self, message: str) -> None:
        self._print(in_log(f"warning: {message}"))

    def _update(self, **fields: Any) -> None:
        self._bar.update(self._task, **fields)

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        figures = [Text(self._figures, style="dim", overflow="fold")] if self._figures else []
        return Group(self._bar, *figures)


class Clock:
    """Estimates the time left from the epochs, or another unit of work, done so far."""

    def __init__(self, epochs_done: float, epochs: float) -> None:
        self._began = time.monotonic()
        self._first = epochs_done
        self._epochs = epochs

    def restart(self) -> None:
        """Start the clock now, to leave out preparation such as compiling."""
        self._began = time.monotonic()

    def rate(self, epochs_done: float) -> float:
        """Epochs per second so far."""
        return (epochs_done - self._first) / max(time.monotonic() - self._began, 1e-9)

    def left(self, epochs_done: float) -> float:
        """Seconds left at this rate."""
        return (self._epochs - epochs_done) / max(self.rate(epochs_done), 1e-9)


def summarize(entry: Entry) -> list[str]:
    """Lines about a published entry: ELBO, notes, targets, location, next command."""
    metrics = entry.metrics
    elbo = metrics.of_role("elbo")
    lines = []
    if elbo:
        error = f" ± {elbo.standard_error:.2f}" if elbo.standard_error else ""
        held_out = "" if not elbo.note else f"; {elbo.note}"
        lines.append(
            f"{entry.name}: test ELBO {elbo.value:.2f}{error} nats per example "
            f"({elbo.examples:,} test images, {elbo.samples} samples each, {elbo.likelihood} "
            f"likelihood, {_pixels(elbo)}{held_out})"
        )
    lines += [f"note: {note}" for note in metrics.notes]
    lines += _image_location(entry)
    lines += [
        f"target {t['metric']}: {in_words(t)}, {t['figure']:.2f}, published {t['value']}"
        for t in metrics.targets
        if t["verdict"] == "reproduced"
    ]
    lines.append(
        f"published to {entry.path} ({in_units(entry.size)}, {len(entry.figures)} pictures; "
        f"see {entry.path / 'README.md'}){_replaced(entry)}"
    )
    lines += _hidden(entry)
    lines.append(f"next: vaezoo sample {words_for(entry)} --n 50")
    return lines


def _pixels(figure: Figure) -> str:
    """How the images were binarized, in two words."""
    how = figure.binarisation.partition(",")[0]
    return "not binarised" if how == "none" else f"{how} binarisation"


def _image_location(entry: Entry) -> list[str]:
    """Where the training images were, unless on the device."""
    where = {"host": "stayed in host memory", "disk": "were read from disk"}
    place = where.get(entry.lock.get("images", "device"))
    return [f"note: the images {place} while training, block by block"] if place else []


def _replaced(entry: Entry) -> str:
    """How to restore the entry that this one replaced, if any."""
    from vaezoo.zoo.predecessors import predecessors

    zoo = entry.path.parent
    if not predecessors(zoo, entry.name):
        return ""
    restore = f"vaezoo zoo restore {entry.name}{zoo_option(zoo)}"
    return f"; the previous entry is kept, '{restore}' restores it"


def _hidden(entry: Entry) -> list[str]:
    """A note if the entry hides a shipped one of the same name."""
    shipped = shipped_folder() / entry.name
    if entry.is_shipped or not shipped.is_dir() or words_for(entry) != entry.name:
        return []
    return [
        f"note: this entry hides the model {entry.name} that ships with vaezoo; "
        f"'vaezoo zoo show {shlex.quote(str(shipped))}' shows the shipped one, "
        f"removing {entry.path} brings it back"
    ]


def describe_member(spec: Spec, number: int, out_of: int, is_done: bool) -> str:
    """The next member of a matrix."""
    return f"member {number} of {out_of}: {spec.name}{' (done)' if is_done else ''}"


def describe_together(members: int, reason: str | None) -> str:
    """Whether the members of a matrix train together."""
    if reason:
        return f"members train one after another: {reason}"
    return f"{members} members train together; epoch lines show their means"


def describe_device(device: torch.device) -> str:
    """Such as ``cuda (NVIDIA H200)`` or ``cpu (2 threads)``."""
    import torch

    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({counted(torch.get_num_threads(), 'thread')})"
    return str(device)


def describe_start(spec: Spec, model: VAE, epochs_done: int, images: int) -> str:
    """Parameters, training images and epochs."""
    parameters = sum(p.numel() for p in model.parameters())
    return (
        f"{parameters:,} parameters, {images:,} training images of {spec.dataset.use}, "
        f"{describe_epochs(epochs_done, spec.train.epochs)}"
    )


def describe_fit(sampler: str, images: int) -> str:
    return f"fitting the sampler {sampler} to {images:,} training images"


def describe_epochs(done: int, epochs: int) -> str:
    """Such as ``for 3 epochs`` or ``resuming after epoch 1 of 3 epochs``."""
    start = f"resuming after epoch {done} of" if done else "for"
    return f"{start} {counted(epochs, 'epoch')}"


def describe_means(means: dict[str, float]) -> str:
    return (
        f"objective {means['objective']:.2f}  reconstruction {means['reconstruction']:.2f}  "
        f"KL {means['kl']:.2f}"
    )


def describe_validation(elbo: float | None) -> str:
    """Empty without a validation split."""
    return "" if elbo is None else f"  validation ELBO {elbo:.2f}"


def elbo_of(record: EpochRecord) -> float | None:
    """The validation ELBO, nats per example."""
    return record.validation["elbo"] if record.validation else None


def describe_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
