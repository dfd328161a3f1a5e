"""Load the images of a run and check everything that can be checked before training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from vaezoo.data.loading import load
from vaezoo.data.resident import held_out_rows
from vaezoo.diagnostics import DataError, Diagnostic, Severity, SpecError, warn
from vaezoo.model.shape_check import shape_findings, training_problem
from vaezoo.registry import DataFacts, ImageData, Metric, Sampler, Visualizer
from vaezoo.registry.needs import SuitsSpec
from vaezoo.spec.conditioning import uses_labels
from vaezoo.spec.spec import Spec
from vaezoo.system.torchrun import Processes
from vaezoo.training.loop import training_images

#: class names listed by a warning
_LISTED_CLASSES = 10


def load_for_training(spec: Spec, processes: Processes | None = None) -> ImageData:
    """Load a spec's images and check that the spec can train on them.

    Warns (VZ611) of a batch larger than the training split, and of classes without a test image.

    Raises what ``load`` raises; DataError (VZ601) where there are too few images for a
    validation split; SpecError (VZ402) for a metric or visualizer that does not support the
    data, for settings of parts without parameters, and for a component that fails on the smallest
    batch of an epoch; SpecError (VZ401, VZ303) for a component that fails on a few images.
    """
    data = load(spec.dataset)
    check(spec, data, processes or Processes())
    return data


def check(spec: Spec, data: ImageData, processes: Processes) -> None:
    """Check loaded data, as ``load_for_training`` does."""
    images = _training_count(spec, data)
    found = [
        *_unsupported(spec, data, images),
        *_without_labels(spec, data),
        *_smallest_batch(spec, images, processes),
    ]
    found = found or shape_findings(spec, images=training_images(spec, data))
    if found:
        raise SpecError(*found)
    if spec.train.batch_size > images:
        _warn(
            f"the batch size {spec.train.batch_size:,} exceeds the training split of {images:,} "
            f"image{'s'[: images != 1]}: each epoch is one step",
            "lower train.batch_size, or raise train.epochs for more steps",
        )
    missing = _classes_without_test_image(data)
    if missing:
        more = len(missing) - _LISTED_CLASSES
        listed = ", ".join(missing[:_LISTED_CLASSES]) + (f" and {more} more" if more > 0 else "")
        _warn(
            f"the test split has no image of {len(missing)} of {len(data.class_names)} "
            f"classes: {listed}",
            "metrics and pictures of the test split omit these classes",
        )


def _warn(message: str, hint: str) -> None:
    warn(Diagnostic("VZ611", message, hint=hint, severity=Severity.WARNING))


def _training_count(spec: Spec, data: ImageData) -> int:
    """The number of training images. Raises DataError where they cannot be split."""
    fraction, count = spec.train.validation, len(data.train)
    if fraction and count < 2:
        message = (
            f"the training split of {spec.dataset.use!r} has {count} image, too few for "
            f"train.validation: {fraction:g}"
        )
        raise DataError(Diagnostic("VZ601", message, hint="set train.validation: 0, or add images"))
    kept, _ = held_out_rows(count, fraction, spec.train.seed)
    return len(kept)


def _unsupported(spec: Spec, data: ImageData, images: int) -> Iterator[Diagnostic]:
    """The components that do not support the data."""
    facts = DataFacts.of(spec.dataset, data)
    model, seen = spec.model, replace(facts, train=images)
    trained: tuple[SuitsSpec | Sampler, ...] = (
        model.encoder,
        model.posterior,
        model.decoder,
        model.likelihood,
        spec.loss,
        spec.train.optimizer,
        spec.sampler,
    )
    for part in trained:
        if problem := part.data_problem(spec, seen):
            yield _unfit(part, problem, "change it, or the dataset")
    shown: tuple[Metric | Visualizer, ...] = (*spec.metrics, *spec.visualizers)
    for one in shown:
        if problem := one.data_problem(spec, facts):
            yield _unfit(one, problem, f"remove it from {type(one).kind}s, or change the dataset")


def _unfit(part: Any, problem: str, hint: str) -> Diagnostic:
    message = f"the {type(part).kind} {part.use!r} does not support the dataset: {problem}"
    return Diagnostic("VZ402", message, hint=hint)


def _without_labels(spec: Spec, data: ImageData) -> Iterator[Diagnostic]:
    """A finding if the model or the loss uses labels that the data do not have."""
    if uses_labels(spec) and data.train.labels is None:
        user = "model" if spec.model.condition else f"loss {spec.loss.use!r}"
        yield Diagnostic(
            "VZ402",
            f"the {user} uses labels, but the images of {spec.dataset.use!r} have none",
            hint="remove model.condition, or change the loss or the dataset",
        )


def _smallest_batch(spec: Spec, images: int, processes: Processes) -> Iterator[Diagnostic]:
    """A component that fails on a batch of one image, if an epoch has such a batch.

    Batch normalization fails: one image has no variance.
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
    better = _better_batch_size(size, images, processes)
    yield Diagnostic(
        "VZ402",
        f"the {type(component).kind} {component.use!r} cannot train on a batch of one image, "
        f"and the last batch of each epoch has one: {images:,} training images in batches of "
        f"{size:,}{each}. It fails with: {reason}",
        hint=f"set train.batch_size to {better}, or change train.validation, so that the last "
        "batch has more",
    )


def _better_batch_size(size: int, images: int, processes: Processes) -> int:
    """The nearest batch size whose last batch has at least two images per process."""
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
