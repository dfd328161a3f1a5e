"""The importance-weighted bound (Burda, Grosse and Salakhutdinov 2016)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.components.nets.batched import each_repeated, mean_figure, silent_batches
from vaezoo.registry import Batch, EvaluationContext, Figure

if TYPE_CHECKING:
    from vaezoo.model import VAE

#: latents to decode at once; on a CPU the images must fit into its cache
_ROWS_ON_CPU, _ROWS_ON_GPU = 512, 32768


def importance_weighted_figure(context: EvaluationContext, samples: int) -> Figure:
    """log 1/K Σ_k p(x, z_k) / q(z_k|x), averaged over images."""
    return mean_figure(context, "iw_bound", importance_weighted_values(context, samples), samples)


@torch.inference_mode()
def importance_weighted_values(context: EvaluationContext, samples: int) -> Tensor:
    """The bound of every image of the split: (N,), nats, float64 on the CPU."""
    model, generator = context.model, context.generator()
    # preallocated: thousands of small results between large batches would fragment memory
    bounds, done = torch.empty(len(context.split), dtype=torch.float64), 0
    for batch in silent_batches(context, context.split):
        for bound in importance_weighted_bounds(model, batch, samples, generator):
            bounds[done : done + len(bound)] = bound
            done += len(bound)
            context.advance(len(bound))
    return bounds


def importance_weighted_bounds(
    model: VAE, batch: Batch, samples: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """The bound of each image in [0, 1], nats, float64 on the CPU, a few images at a time."""
    rows = _ROWS_ON_CPU if batch.images.device.type == "cpu" else _ROWS_ON_GPU
    draws = min(samples, rows)
    images_at_once = max(rows // draws, 1)
    encoded = model.encoded(*batch)
    for start in range(0, len(batch.images), images_at_once):
        part = slice(start, start + images_at_once)
        few = Batch(batch.images[part], None if batch.labels is None else batch.labels[part])
        yield _few_images(model, few, encoded[part], samples, draws, generator)


def _few_images(
    model: VAE,
    batch: Batch,
    encoded: Tensor,
    samples: int,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """The bound of a few images, ``draws`` samples at a time."""
    total = torch.full((len(encoded),), -math.inf, dtype=torch.float64)
    for done in range(0, samples, draws):
        now = min(draws, samples - done)
        rows = encoded.repeat_interleave(now, 0)
        trace = model.trace(each_repeated(batch, now), generator, encoded=rows)
        log_weights = trace.log_weights.view(len(encoded), now)
        total = torch.logaddexp(total, log_weights.cpu().double().logsumexp(1))
    return total - math.log(samples)
