"""The images that a run trains on, with everything checked that can be known before training."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from vaezoo.data.loading import load
from vaezoo.data.resident import held_out_rows
from vaezoo.diagnostics import DataError, Diagnostic, Severity, SpecError, warn
from vaezoo.model.shape_check import training_problem
from vaezoo.registry import DataFacts, ImageData, Metric, Registry, Visualizer
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes

#: class names that a warning lists
_MOST_NAMED = 10


def load_for_training(
    spec: Spec, registry: Registry | None = None, processes: Processes | None = None
) -> ImageData:
    """A spec's images, once nothing speaks against training on them.

    Warns (VZ611) of a batch larger than the training split, and of classes that the test split
    has no image of.

    Raises what ``load`` raises; DataError (VZ601) where there are too few images to hold some
    out; SpecError (VZ402) for a metric or visualizer that cannot be had of such data, and for a
    component that fails on the smallest batch of an epoch.
    """
    data = load(spec.dataset, registry)
    check(spec, data, processes or Processes())
    return data


def check(spec: Spec, data: ImageData, processes: Processes) -> None:
    """What ``load_for_training`` checks of data that are at hand."""
    images = _trained_on(spec, data)
    found = [*_impossible(spec, data), *_of_smallest_batch(spec, images, processes)]
    if found:
        raise SpecError(*found)
    if spec.train.batch_size > images:
        warn(
            _warning(
                f"a batch of {spec.train.batch_size:,} holds more than the training split, which "
                f"has {images:,} image{'s'[: images != 1]}: each epoch is one step",
                "lower train.batch_size, or raise train.epochs by the steps that you want",
            )
        )
    missing = _classes_without_test_image(data)
    if missing:
        more = len(missing) - _MOST_NAMED
        listed = ", ".join(missing[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        warn(
            _warning(
                f"the test split has no image of {len(missing)} of {len(data.class_names)} "
                f"classes: {listed}",
                "figures and pictures of the test split leave them out",
            )
        )


def _warning(message: str, hint: str) -> Diagnostic:
    return Diagnostic("VZ611", message, hint=hint, severity=Severity.WARNING)


def _trained_on(spec: Spec, data: ImageData) -> int:
    """How many images are left for training. Raises DataError where they cannot be divided."""
    fraction, count = spec.train.validation, len(data.train)
    if fraction and count < 2:
        message = (
            f"the training split of {spec.dataset.use!r} has {count} image, of which "
            f"train.validation: {fraction:g} holds some out"
        )
        raise DataError(Diagnostic("VZ601", message, hint="set train.validation: 0, or add images"))
    kept, _ = held_out_rows(count, fraction, spec.train.seed)
    return len(kept)


def _impossible(spec: Spec, data: ImageData) -> Iterator[Diagnostic]:
    """Metrics and visualizers of the spec that cannot be had of its data."""
    facts = DataFacts.of(spec.dataset, data)
    parts: list[Metric | Visualizer] = [*spec.metrics, *spec.visualizers]
    for part in parts:
        problem = part.data_problem(spec, facts)
        if problem:
            yield Diagnostic(
                "VZ402",
                f"the {type(part).kind} {part.use!r} cannot be had: {problem}",
                hint=f"take it out of {type(part).kind}s, or change the dataset",
            )


def _of_smallest_batch(spec: Spec, images: int, processes: Processes) -> Iterator[Diagnostic]:
    """Components that fail on a batch of one image, where an epoch has one.

    Batch normalization does: one image has no variance.
    """
    size = min(spec.train.batch_size, images)
    last = images % size or size
    if min(size, last) // processes.count != 1:
        return
    found = training_problem(spec, batch=1)
    if found is None:
        return
    component, reason = found
    each = f", shared by {processes.count} processes" if processes.count > 1 else ""
    hint = f"set train.batch_size to {_other_size(size, images, processes)}, or change "
    yield Diagnostic(
        "VZ402",
        f"the {type(component).kind} {component.use!r} cannot train on a batch of one image, "
        f"and the last batch of each epoch has one: {images:,} training images in batches of "
        f"{size:,}{each}. It fails with: {reason}",
        hint=f"{hint}train.validation, so that more are left for the last batch",
    )


def _other_size(size: int, images: int, processes: Processes) -> int:
    """The nearest batch size whose last batch has at least two images for each process."""
    enough = 2 * processes.count
    distances = range(1, max(size, images) + enough)
    sizes = (size + sign * distance for distance in distances for sign in (-1, 1))
    fits = (s for s in sizes if s >= enough and (images % s or s) >= min(enough, images))
    return next(fits, max(size, enough))


def _classes_without_test_image(data: ImageData) -> list[str]:
    if data.test.labels is None:
        return []
    present = set(torch.unique(data.test.labels).tolist())
    return [name for number, name in enumerate(data.class_names) if number not in present]
