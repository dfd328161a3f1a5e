"""From an entry back to its pictures: what ``vaezoo draw`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from vaezoo.diagnostics import (
    Diagnostic,
    PluginError,
    RunError,
    UsageError,
    VaezooError,
    ZooError,
)
from vaezoo.drawing import Drawn, draw
from vaezoo.files import PNG, Content, check_output, check_parent, write_output
from vaezoo.registry import Registry, Scene, Visualizer, discover
from vaezoo.spec import Spec
from vaezoo.zoo import find


def redraw(
    name: str | Path,
    visualizers: Sequence[str],
    folder: Path,
    *,
    zoo: str | Path | None = None,
    device: str = "cpu",
    force: bool = False,
    registry: Registry | None = None,
    announce: Callable[[str], object] = lambda picture: None,
) -> list[Path]:
    """Draw an entry's own pictures, or the named visualizers', into ``folder``.

    The folder is made where it is missing. Files in it that are no pictures are only replaced
    with ``force``.

    Raises UsageError (VZ501) for an unknown entry, (VZ504) for an unknown visualizer,
    DataError (VZ601) where the dataset cannot be had, ZooError (VZ503) for an unwritable folder,
    and once the others are written RunError (VZ303) for pictures that could not be drawn.
    """
    registry = registry or discover()
    entry = find(name, zoo=zoo)
    model = entry.load(registry, device)
    chosen = [_visualizer(use, model.spec, registry) for use in visualizers]
    _make(folder)
    scene = Scene.of_test(model, model.spec.dataset.build(), entry.history)
    drawn = draw(chosen or model.spec.visualizers, scene, announce)
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
