"""The images of an entry: loaded again, wherever they are now, and held against its lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vaezoo.diagnostics import (
    DataError,
    Diagnostic,
    Severity,
    SpecError,
    UsageError,
    warn,
)
from vaezoo.spec import from_data
from vaezoo.spec.overrides import OPTION, Assignment, read_overrides
from vaezoo.zoo.lock import plugins_of

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import Dataset, ImageData, Registry
    from vaezoo.spec.spec import Spec
    from vaezoo.zoo.entry import Entry

_FORM = "write dataset.KEY=VALUE, such as dataset.path=FOLDER"


def load_model(entry: Entry, registry: Registry, device: str, overrides: Sequence[str] = ()) -> VAE:
    """An entry's model, whose spec has other values of the dataset where ``overrides`` say so.

    ``overrides`` are ``dataset.KEY=VALUE`` texts. They say where the images are now and change
    nothing in the entry. Raises what ``Entry.load`` raises, and SpecError (VZ207) for another
    override, or one that changes the shape of the images.
    """
    model = entry.load(registry, device)
    if overrides:
        model.spec = _moved(model.spec, overrides, registry.pinned(plugins_of(entry.lock)))
    return model


def load_images(entry: Entry, model: VAE, registry: Registry) -> ImageData:
    """The images of a model's dataset. Warns (VZ612) where they are not those of the lock.

    Raises what ``data.loading.load`` raises; a DataError says how to point to other files.
    """
    from vaezoo.data.loading import load

    dataset = model.spec.dataset
    if problem := dataset.problem():
        raise _not_there(dataset, problem)
    try:
        data = load(dataset, registry)
    except DataError as error:
        raise _not_there(dataset, error.diagnostics[0].message) from error
    if changed := change_of(entry, data):
        warn(changed)
    return data


def change_of(entry: Entry, data: ImageData) -> Diagnostic | None:
    """A warning (VZ612) where images are not those that the entry was made with."""
    recorded = str(entry.lock["dataset"]["digest"])
    if data.digest == recorded:
        return None
    return Diagnostic(
        "VZ612",
        f"the data are not those that {entry.name} was trained with: their digest is "
        f"{data.digest[:12]}, its lock has {recorded[:12]}",
        hint="the test split may hold images that the model was trained on: restore the files, "
        "or train it again",
        severity=Severity.WARNING,
    )


def refuse_changed(entry: Entry, data: ImageData) -> None:
    """Raise DataError (VZ612) where images are not those that the entry was made with."""
    if changed := change_of(entry, data):
        hint = "leave --record out to see the figures, restore the files, or train it again"
        raise DataError(Diagnostic("VZ612", f"nothing was recorded: {changed.message}", hint=hint))


def _not_there(dataset: Dataset, message: str) -> DataError:
    key = dataset.location or "KEY"
    place = "FOLDER" if dataset.location else "VALUE"
    hint = (
        f"if the data lie elsewhere, add {OPTION} dataset.{key}={place}; "
        "a relative path starts at the working directory"
    )
    return DataError(Diagnostic("VZ601", message, hint=hint))


def _moved(spec: Spec, overrides: Sequence[str], registry: Registry) -> Spec:
    assignments, findings = read_overrides(overrides)
    findings += [
        Diagnostic("VZ207", "only values of the dataset can be set here", one.keys[0], hint=_FORM)
        for one in assignments
        if one.path[0] != "dataset" or len(one.path) == 1
    ]
    if findings:
        raise SpecError(*findings)
    data = spec.canonical()
    for one in assignments:
        _put(data, one)
    moved = from_data(data, registry)
    if moved.dataset.image_shape != spec.dataset.image_shape:
        raise UsageError(
            Diagnostic(
                "VZ207",
                f"{OPTION} makes the images {moved.dataset.image_shape}, the model takes "
                f"{spec.dataset.image_shape}",
                hint="say only where the data are",
            )
        )
    return moved


def _put(data: dict[str, object], one: Assignment) -> None:
    """Set a value of the dataset, which stands in the spec with or without parameters."""
    dataset = data["dataset"]
    if not isinstance(dataset, dict):
        data["dataset"] = dataset = {"use": dataset}
    inner = dataset
    for part in one.path[1:-1]:
        below = inner.get(str(part))
        inner[str(part)] = inner = dict(below) if isinstance(below, dict) else {}
    inner[str(one.path[-1])] = one.value.data()
