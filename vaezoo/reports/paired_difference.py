"""Standard errors of paired differences between two models on the same images.

An image that is hard for one model is mostly hard for the other, so values differ much less between
models than between images. Entries record only means, so the values per image are recomputed, on a
subset of the images if there are many draws of z.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from vaezoo.evaluation.evaluate_entry import metric_of
from vaezoo.registry import EvaluationContext, Split
from vaezoo.reports.subject import Subject
from vaezoo.training.execution.cpu_matmul import fast_float32

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.registry import Figure, Metric

#: The most and the fewest images, and the total number of draws of z in between.
_MAX_IMAGES, _MIN_IMAGES, _DRAWS = 2000, 50, 100_000


@dataclass(frozen=True)
class Paired:
    """The standard error of a difference, and the number of images behind it."""

    error: float
    images: int


def pairs(first: Subject, second: Subject) -> Mapping[str, Paired]:
    """Paired errors by figure, such as ``test/elbo``, for metrics that give values per image.

    Empty if the images of an entry are not available or not those of its training, since its
    figures come from others. Does not check whether the figures compare.
    """
    if not (_has_its_images(first) and _has_its_images(second)):
        return {}
    found: dict[str, Paired] = {}
    for figure in first.entry.metrics.figures:
        name = f"{figure.split}/{figure.name}"
        other = second.entry.metrics.figure(name)
        if figure.split == first.context.split_name and other and name not in found:
            found |= _of_metric(first, second, figure, other)
    return found


def _has_its_images(subject: Subject) -> bool:
    recorded = subject.entry.lock.get("dataset", {}).get("digest")
    return not subject.problem and bool(recorded) and subject.digest == recorded


def _of_metric(first: Subject, second: Subject, one: Figure, other: Figure) -> dict[str, Paired]:
    """The paired errors of all figures of one metric."""
    metric = metric_of(one, first.model.spec, first.registry)
    other_metric = metric_of(other, second.model.spec, second.registry)
    if metric is None or other_metric is None or type(metric) is not type(other_metric):
        return {}
    total = len(first.context.split)
    count = min(
        total, max(_MIN_IMAGES, min(_MAX_IMAGES, _DRAWS // max(one.samples, other.samples, 1)))
    )
    index = torch.arange(count) * total // count
    try:
        values = [
            _values(metric, first.context, index),
            _values(other_metric, second.context, index),
        ]
    except Exception:  # a plugin's metric fails: no paired errors
        return {}
    found = {}
    for name in values[0].keys() & values[1].keys():
        mine, others = values[0][name], values[1][name]
        if mine.shape == others.shape == (count,) and count > 1:
            error = _error(mine, others, one.examples)
            if math.isfinite(error):
                found[f"{one.split}/{name}"] = Paired(error, count)
    return found


def _values(metric: Metric, context: EvaluationContext, index: Tensor) -> dict[str, Tensor]:
    """The values of the images at ``index`` (n,): (n,) each, float64 on the CPU."""
    labels = context.split.labels
    some = Split(context.split.images[index], None if labels is None else labels[index])
    with fast_float32(context.model.device):
        found = metric.per_image(replace(context, split=some, advance=lambda count: None))
    return {name: values.detach().cpu().double() for name, values in found.items()}


def _error(one: Tensor, other: Tensor, examples: int) -> float:
    """The standard error of the mean difference over ``examples`` images."""
    return (other - one).std().item() / math.sqrt(examples)
