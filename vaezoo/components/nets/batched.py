"""Helpers of the estimators: a split's images in batches, and figures with their protocol.

Means over examples are computed in float64 on the CPU, for accuracy and because not every device
supports float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaezoo.registry import Batch, EvaluationContext, Figure, Split

NATS = "nats per example"
_BATCH = 500


def batches(context: EvaluationContext) -> Iterator[Batch]:
    """The split's images as float32 in [0, 1] on the model's device, in order, with labels."""
    for batch in silent_batches(context, context.split):
        yield batch
        context.advance(len(batch.images))


def silent_batches(context: EvaluationContext, split: Split, size: int = _BATCH) -> Iterator[Batch]:
    """Batches of any split on the model's device, without progress reports."""
    device = context.model.device
    for start in range(0, len(split), size):
        rows = slice(start, start + size)
        images = split.images[rows].to(device).to(torch.float32).div_(255)
        yield Batch(images, None if split.labels is None else split.labels[rows].to(device))


def each_repeated(batch: Batch, times: int) -> Batch:
    """Every example ``times`` times, one after another; a single one without a copy."""
    images, labels = batch
    if len(images) == 1:
        repeated = images.expand(times, *images.shape[1:])
    else:
        repeated = images.repeat_interleave(times, 0)
    return Batch(repeated, None if labels is None else labels.repeat_interleave(times, 0))


@torch.inference_mode()
def posterior_means(context: EvaluationContext, split: Split) -> Tensor:
    """The posterior mean of every image of a split: (N, latents), float32 on the CPU."""
    model = context.model
    means = [model.posterior(*batch).mean for batch in silent_batches(context, split)]
    return torch.cat([mean.flatten(1).float().cpu() for mean in means])


def mean_figure(
    context: EvaluationContext,
    name: str,
    values: Tensor,
    samples: int = 0,
    *,
    unit: str = NATS,
    per_dimension: Tensor | None = None,
    note: str = "",
) -> Figure:
    """The mean of per-example values (N,), with its standard error over examples."""
    values = values.double()
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else None
    return figure(
        context,
        name,
        values.mean().item(),
        samples,
        unit=unit,
        examples=len(values),
        standard_error=error,
        per_dimension=per_dimension,
        note=note,
    )


def figure(
    context: EvaluationContext,
    name: str,
    value: float,
    samples: int = 0,
    *,
    unit: str,
    examples: int,
    standard_error: float | None = None,
    per_dimension: Tensor | None = None,
    note: str = "",
) -> Figure:
    """A figure on the context's split, with its likelihood, protocol and caveats."""
    return Figure(
        name=name,
        value=value,
        unit=unit,
        split=context.split_name,
        likelihood=context.spec.model.likelihood.use,
        binarisation=str(context.binarization),
        samples=samples,
        examples=examples,
        standard_error=standard_error,
        per_dimension=tuple(per_dimension.tolist()) if per_dimension is not None else None,
        note="; ".join(filter(None, (note, _caveat(context)))),
    )


def _caveat(context: EvaluationContext) -> str:
    trained_on = context.split_name == "test" and context.test_is_trained_on
    return "these images were part of the training data" if trained_on else ""
