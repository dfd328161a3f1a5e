"""``redraw``: draw the pictures of an entry again, as ``vaezoo draw`` does."""

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
    warn,
)
from vaezoo.plotting.draw import Drawn, draw
from vaezoo.registry import DataFacts, EvaluationContext, Registry, Visualizer, discover
from vaezoo.spec.spec import Spec
from vaezoo.system.files import PNG, beginning, check_output, check_parent, write_output
from vaezoo.zoo import find
from vaezoo.zoo.entry_data import load_images, load_model
from vaezoo.zoo.sampling import unwritable

#: What an existing file is, by picture format, to be replaced without ``force``.
_CONTENT = {
    "png": PNG,
    "gif": beginning("a GIF picture", b"GIF8"),
    "webp": beginning("a WebP picture", b"RIFF"),
    "svg": beginning("an SVG picture", b"<"),
    "html": beginning("a web page", b"<"),
}


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
    """Draw an entry's pictures, or those of the named visualizers, into ``folder``.

    Creates the folder if necessary. Files in it that are not pictures are only replaced with
    ``force``. ``overrides`` are ``dataset.KEY=VALUE`` texts that locate the data. Without the data,
    only pictures that do not need them are drawn, with a warning (VZ601) for the others. Warns
    (VZ612) if the data differ from those of the training.

    Raises UsageError (VZ501) for an unknown entry, (VZ504) for an unknown visualizer and for a
    named one that does not support the data, DataError (VZ601) if the data are not available and no
    picture, or not every named one, can be drawn without them, ZooError (VZ503) for an unwritable
    folder, and RunError (VZ303) for failed pictures, after the others are written.
    """
    registry = registry or discover()
    entry = find(name, zoo=zoo)
    model = load_model(entry, registry, device, overrides)
    spec = model.spec
    chosen = [_visualizer(use, spec, registry) for use in visualizers]
    try:
        data = load_images(entry, model)
        context = EvaluationContext.of_test(model, data, entry.history)
        problem, facts = None, DataFacts.of(spec.dataset, data)
    except DataError as error:
        context = EvaluationContext.without_images(model, entry.history)
        problem, facts = error, DataFacts.without_images(spec.dataset)
    wanted = chosen or spec.visualizers
    unavailable = {v.use: reason for v in wanted if (reason := v.data_problem(spec, facts))}
    drawable = [visualizer for visualizer in wanted if visualizer.use not in unavailable]
    if unavailable and (chosen or not drawable):
        raise _impossible(unavailable, problem)
    for use, reason in unavailable.items():
        warn(_omitted(use, reason, problem))
    _create(folder)
    drawn = draw(drawable, context, announce)
    written = [_write(folder / name, picture, force) for name, picture in drawn.pictures.items()]
    _refuse_failures(drawn)
    return written


def _refuse_failures(drawn: Drawn) -> None:
    for error in drawn.failures.values():
        if isinstance(error, VaezooError):
            raise error
    if drawn.failures:
        hint = "the other pictures are written; tell those who wrote the visualizer"
        raise RunError(*(Diagnostic("VZ303", note, hint=hint) for note in drawn.notes()))


def _impossible(unavailable: Mapping[str, str], problem: DataError | None) -> VaezooError:
    """The error for requested pictures that cannot be drawn."""
    findings = [_omitted(use, reason, problem) for use, reason in unavailable.items()]
    errors = [replace(one, severity=Severity.ERROR) for one in findings]
    return DataError(*errors) if problem else UsageError(*errors)


def _omitted(use: str, reason: str, problem: DataError | None) -> Diagnostic:
    message = f"the picture {use!r} cannot be drawn: {reason}"
    if problem is None:
        hint = "choose other pictures from 'vaezoo plugins list'"
        return Diagnostic("VZ504", message, hint=hint, severity=Severity.WARNING)
    cause = problem.diagnostics[0]
    return Diagnostic(
        "VZ601", f"{message} ({cause.message})", hint=cause.hint, severity=Severity.WARNING
    )


def _visualizer(use: str, spec: Spec, registry: Registry) -> Visualizer:
    """The spec's visualizer of that name, or one with default parameters."""
    for visualizer in spec.visualizers:
        if visualizer.use == use:
            return visualizer
    try:
        found = registry.find("visualizer", use)
    except PluginError as error:
        diagnostic = error.diagnostics[0]
        raise UsageError(Diagnostic("VZ504", diagnostic.message, hint=diagnostic.hint)) from None
    return cast("Visualizer", found.component())


def _create(folder: Path) -> None:
    """Create the folder before drawing, to fail early."""
    try:
        check_parent(folder)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error, "folder") from None


def _write(path: Path, data: bytes, force: bool) -> Path:
    try:
        check_output(path, None if force else _CONTENT[path.suffix[1:]])
        write_output(path, data)
    except OSError as error:
        raise unwritable(path, error, "folder") from None
    return path
