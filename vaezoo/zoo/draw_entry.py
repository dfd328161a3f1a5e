"""From an entry back to its pictures: what ``vaezoo draw`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from vaezoo.diagnostics import (
    DataError,
    Diagnostic,
    PluginError,
    RunError,
    Severity,
    UsageError,
    VaezooError,
    ZooError,
    warn,
)
from vaezoo.plotting.draw import Drawn, draw
from vaezoo.registry import DataFacts, EvaluationContext, Registry, Visualizer, discover
from vaezoo.spec.spec import Spec
from vaezoo.system.files import PNG, Content, check_output, check_parent, write_output
from vaezoo.zoo import find
from vaezoo.zoo.entry_data import load_images, load_model


def redraw(
    name: str | Path,
    visualizers: Sequence[str],
    folder: Path,
    *,
    zoo: str | Path | None = None,
    device: str = "cpu",
    force: bool = False,
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
    announce: Callable[[str], object] = lambda picture: None,
) -> list[Path]:
    """Draw an entry's own pictures, or the named visualizers', into ``folder``.

    The folder is made where it is missing. Files in it that are no pictures are only replaced
    with ``force``. ``overrides`` are ``dataset.KEY=VALUE`` texts that say where the data are now.
    Without the data, those pictures are drawn that need none, and the others are told of (VZ601).
    Warns (VZ612) where the data are not those that the model was trained with.

    Raises UsageError (VZ501) for an unknown entry, (VZ504) for an unknown visualizer and for a
    named one that such data have no picture for, DataError (VZ601) where the dataset cannot be
    had and no picture, or not every named one, can do without, ZooError (VZ503) for an
    unwritable folder, and once the others are written RunError (VZ303) for
    pictures that could not be drawn.
    """
    registry = registry or discover()
    entry = find(name, zoo=zoo)
    model = load_model(entry, registry, device, overrides)
    spec = model.spec
    chosen = [_visualizer(use, spec, registry) for use in visualizers]
    try:
        data = load_images(entry, model, registry)
        context = EvaluationContext.of_test(model, data, entry.history)
        problem, facts = None, DataFacts.of(spec.dataset, data)
    except DataError as error:
        context = EvaluationContext.without_images(model, entry.history)
        problem, facts = error, DataFacts.without_images(spec.dataset)
    wanted = chosen or spec.visualizers
    lacking = {v.use: reason for v in wanted if (reason := v.data_problem(spec, facts))}
    drawable = [visualizer for visualizer in wanted if visualizer.use not in lacking]
    if lacking and (chosen or not drawable):
        raise _impossible(lacking, problem)
    for use, reason in lacking.items():
        warn(_left_out(use, reason, problem))
    _make(folder)
    drawn = draw(drawable, context, announce)
    content = None if force else PNG
    pictures = drawn.pictures.items()
    written = [_write(folder / f"{picture}.png", png, content) for picture, png in pictures]
    _refuse_failures(drawn)
    return written


def _refuse_failures(drawn: Drawn) -> None:
    for error in drawn.failures.values():
        if isinstance(error, VaezooError):
            raise error
    if drawn.failures:
        hint = "the other pictures are written; tell those who wrote the visualizer"
        raise RunError(*(Diagnostic("VZ303", note, hint=hint) for note in drawn.notes()))


def _impossible(lacking: Mapping[str, str], problem: DataError | None) -> VaezooError:
    """The error for pictures that were asked for and cannot be drawn."""
    told = [_left_out(use, reason, problem) for use, reason in lacking.items()]
    errors = [replace(one, severity=Severity.ERROR) for one in told]
    return DataError(*errors) if problem else UsageError(*errors)


def _left_out(use: str, reason: str, problem: DataError | None) -> Diagnostic:
    message = f"the picture {use!r} cannot be drawn: {reason}"
    if problem is None:
        hint = "draw other pictures, which 'vaezoo plugins list' shows"
        return Diagnostic("VZ504", message, hint=hint, severity=Severity.WARNING)
    cause = problem.diagnostics[0]
    return Diagnostic(
        "VZ601", f"{message} ({cause.message})", hint=cause.hint, severity=Severity.WARNING
    )


def _visualizer(use: str, spec: Spec, registry: Registry) -> Visualizer:
    """The spec's own visualizer of that name, or one with its default parameters."""
    for visualizer in spec.visualizers:
        if visualizer.use == use:
            return visualizer
    try:
        found = registry.find("visualizer", use)
    except PluginError as error:
        diagnostic = error.diagnostics[0]
        raise UsageError(Diagnostic("VZ504", diagnostic.message, hint=diagnostic.hint)) from None
    return cast("Visualizer", found.component())


def _make(folder: Path) -> None:
    """The folder is there once this returns, and whether it can be is known before drawing."""
    try:
        check_parent(folder)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _write(path: Path, data: bytes, content: Content | None) -> Path:
    try:
        check_output(path, content)
        write_output(path, data)
    except OSError as error:
        raise _unwritable(path, error) from None
    return path


def _unwritable(path: Path, error: OSError) -> ZooError:
    return ZooError(
        Diagnostic(
            "VZ503",
            f"{path} cannot be written: {error.strerror}",
            hint="choose another folder with --out",
        )
    )
