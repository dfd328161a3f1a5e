"""Load the images of an entry again, and compare them with its lock."""

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
from vaezoo.zoo.lock import plugins_of, require_plugins

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import Condition, Dataset, ImageData, Registry
    from vaezoo.spec.spec import Spec
    from vaezoo.zoo.entry import Entry

_FORM = "write dataset.KEY=VALUE, such as dataset.path=FOLDER"


def load_model(entry: Entry, registry: Registry, device: str, overrides: Sequence[str] = ()) -> VAE:
    """An entry's model, with ``overrides`` applied to the dataset in its spec.

    ``overrides`` are ``dataset.KEY=VALUE`` texts that locate the images; the entry does not change.
    Raises what ``Entry.load`` raises, PluginError (VZ304) for any missing plugin, and SpecError
    (VZ207) for other overrides or one that changes the image shape.
    """
    require_plugins(entry.lock, registry, entry.name)
    model = entry.load(registry, device)
    if overrides:
        pinned = registry.pinned(plugins_of(entry.lock))
        model.spec = _moved(model.spec, overrides, pinned, model.condition)
    return model


def load_images(entry: Entry, model: VAE) -> ImageData:
    """The images of a model's dataset. Warns (VZ612) if they differ from the lock.

    Raises what ``data.loading.load`` raises; a DataError hints at how to locate the files.
    """
    from vaezoo.data.loading import load

    dataset = model.spec.dataset
    if problem := dataset.problem():
        raise _not_available(dataset, problem)
    try:
        data = load(dataset)
    except DataError as error:
        raise _not_available(dataset, error.diagnostics[0].message) from error
    _refuse_other_classes(entry, model, data)
    if changed := change_of(entry, data):
        warn(changed)
    return data


def _refuse_other_classes(entry: Entry, model: VAE, data: ImageData) -> None:
    """Raise DataError (VZ612) if a label means another class than in training."""
    if model.condition is None or model.condition.names == data.class_names:
        return
    trained, now = (", ".join(names) for names in (model.condition.names, data.class_names))
    raise DataError(
        Diagnostic(
            "VZ612",
            f"the classes differ from those that {entry.name} is conditioned on: "
            f"they are {now or 'none'}, expected {trained}",
            hint="restore the class folders or names, or train again",
        )
    )


def change_of(entry: Entry, data: ImageData) -> Diagnostic | None:
    """A warning (VZ612) if the images differ from those of the training; else None."""
    recorded = str(entry.lock["dataset"]["digest"])
    if data.digest == recorded:
        return None
    return Diagnostic(
        "VZ612",
        f"the data differ from those that trained {entry.name}: the digest is "
        f"{data.digest[:12]}, the lock has {recorded[:12]}",
        hint="the test split may contain training images: restore the files or train again",
        severity=Severity.WARNING,
    )


def refuse_changed(entry: Entry, data: ImageData) -> None:
    """Raise DataError (VZ612) if the images differ from those of the training."""
    if changed := change_of(entry, data):
        hint = "omit --record to see the figures, restore the files, or train again"
        raise DataError(Diagnostic("VZ612", f"nothing was recorded: {changed.message}", hint=hint))


def _not_available(dataset: Dataset, message: str) -> DataError:
    key = dataset.location or "KEY"
    place = "FOLDER" if dataset.location else "VALUE"
    hint = (
        f"if the data are elsewhere, add {OPTION} dataset.{key}={place}; "
        "a relative path starts at the working directory"
    )
    return DataError(Diagnostic("VZ601", message, hint=hint))


def _moved(
    spec: Spec, overrides: Sequence[str], registry: Registry, condition: Condition | None
) -> Spec:
    assignments, findings = read_overrides(overrides)
    findings += [
        Diagnostic("VZ207", "only dataset values can be set here", one.keys[0], hint=_FORM)
        for one in assignments
        if one.path[0] != "dataset" or len(one.path) == 1
    ]
    if findings:
        raise SpecError(*findings)
    data = spec.canonical()
    for one in assignments:
        _put(data, one)
    moved = from_data(data, registry, condition)
    if moved.dataset.image_shape != spec.dataset.image_shape:
        raise UsageError(
            Diagnostic(
                "VZ207",
                f"{OPTION} makes the images {moved.dataset.image_shape}, the model takes "
                f"{spec.dataset.image_shape}",
                hint="set only the location of the data",
            )
        )
    return moved


def _put(data: dict[str, object], one: Assignment) -> None:
    """Set a dataset value in the spec data."""
    dataset = data["dataset"]
    if not isinstance(dataset, dict):
        data["dataset"] = dataset = {"use": dataset}
    inner = dataset
    for part in one.path[1:-1]:
        below = inner.get(str(part))
        inner[str(part)] = inner = dict(below) if isinstance(below, dict) else {}
    inner[str(one.path[-1])] = one.value.data()
