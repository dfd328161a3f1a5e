"""How well the difference of two models is known on the images that both were measured on.

Images that are hard for one model are mostly hard for the other, so that the values of single
images differ much less between the models than between the images. A report has only recorded
means; values by image are taken again, on some of the images where draws of z are many.
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

#: images to take values of, at most and at least, and how many draws of z between the two
_MOST, _LEAST, _DRAWS = 2000, 50, 100_000


@dataclass(frozen=True)
class Paired:
    """The standard error of a difference, from the values of so many images."""

    error: float
    images: int


def pairs(first: Subject, second: Subject) -> Mapping[str, Paired]:
    """By figure, such as ``test/elbo``, of those whose metrics give values by image.

    Nothing where the images of one cannot be had or are not those that it was trained on: the
    recorded figures are of others then. Whether the figures compare is not asked here.
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
    """All that the metric of a figure says of both models' images."""
    metric = metric_of(one, first.model.spec, first.registry)
    same = metric_of(other, second.model.spec, second.registry)
    if metric is None or same is None or type(metric) is not type(same):
        return {}
    total = len(first.context.split)
    count = min(total, max(_LEAST, min(_MOST, _DRAWS // max(one.samples, other.samples, 1))))
    index = torch.arange(count) * total // count
    try:
        values = [_values(metric, first.context, index), _values(same, second.context, index)]
    except Exception:  # a plugin's metric that fails: its figures stand without paired errors
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
    """Values of the images at ``index`` (n,): (n,) each, float64 on the CPU."""
    labels = context.split.labels
    some = Split(context.split.images[index], None if labels is None else labels[index])
    with fast_float32(context.model.device):
        found = metric.per_image(replace(context, split=some, advance=lambda count: None))
    return {name: values.detach().cpu().double() for name, values in found.items()}


def _error(one: Tensor, other: Tensor, examples: int) -> float:
    """The standard error of the mean difference over so many images."""
    return (other - one).std().item() / math.sqrt(examples)
