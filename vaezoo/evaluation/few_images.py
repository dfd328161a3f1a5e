"""Estimate a bound with many draws from a few images of a split."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import torch

from vaezoo.evaluation.describe_figures import compute
from vaezoo.registry import EvaluationContext, Figure, Metric, Split

#: The total number of draws of z, and the fewest images.
DRAWS, _MIN_IMAGES = 200_000, 100
#: The parts of the images whose spread gives the error.
_PARTS = 10


@dataclass(frozen=True)
class Estimate:
    """An estimate of a split's figure from a few ``images``, and its standard error.

    Both in nats per example. ``part`` is the metric's figure for some of the images.
    """

    value: float
    error: float
    images: int
    part: Figure


@dataclass(frozen=True)
class KnownELBO:
    """The ELBO over the whole split in nats per example, its metric and its name."""

    metric: Metric
    name: str
    value: float


def images_needed(samples: int, images: int) -> int:
    """The number of images to use of ``images``, with ``samples`` draws each."""
    return min(max(DRAWS // samples, _MIN_IMAGES), images)


def bound_by_few(
    metric: Metric, name: str, samples: int, context: EvaluationContext, elbo: KnownELBO | None
) -> Estimate:
    """Estimate the figure ``name`` of a metric with ``samples`` draws on the context's split.

    With the ``elbo`` of the whole split as a control variate, only the difference between bound
    and ELBO is estimated: it varies much less between images than the bound. The images are
    spread evenly over the split.
    """
    count = images_needed(samples, len(context.split))
    index = torch.arange(count) * len(context.split) // count
    parts = min(_PARTS, count)
    values = []
    for part in range(parts):
        few = _part(context, index[part::parts], part)
        found = _figure(metric, name, few)
        below = _figure(elbo.metric, elbo.name, few).value if elbo else 0.0
        values.append(found.value - below)
        context.advance(len(few.split))
    error = stdev(values) / math.sqrt(parts) if parts > 1 else math.inf
    return Estimate((elbo.value if elbo else 0.0) + fmean(values), error, count, found)


def _figure(metric: Metric, name: str, context: EvaluationContext) -> Figure:
    [figure] = [figure for figure in compute(metric, context) if figure.name == name]
    return figure


def _part(context: EvaluationContext, index: torch.Tensor, number: int) -> EvaluationContext:
    """The context with the images at ``index`` (n,) and another seed, without progress."""
    images, labels = context.split.images[index], context.split.labels
    split = Split(images, None if labels is None else labels[index])
    # with equal draws in all parts, the spread would not include their noise
    seed = context.seed + 1 + number
    return replace(context, split=split, seed=seed, advance=lambda count: None)
