"""The importance-weighted bound (Burda, Grosse and Salakhutdinov 2016)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.components.nets.batched import mean_figure, silent_batches
from vaezoo.registry import EvaluationContext, Figure

if TYPE_CHECKING:
    from vaezoo.model import VAE, Posterior

#: latents to decode at once; on a CPU the images must fit into its cache
_ROWS_ON_CPU, _ROWS_ON_GPU = 512, 32768


def importance_weighted_figure(context: EvaluationContext, samples: int) -> Figure:
    """log 1/K Σ_k p(x, z_k) / q(z_k|x), averaged over images."""
    return mean_figure(context, "iw_bound", importance_weighted_values(context, samples), samples)


@torch.inference_mode()
def importance_weighted_values(context: EvaluationContext, samples: int) -> Tensor:
    """The bound of every image of the split: (N,), nats, float64 on the CPU."""
    generator = context.generator()
    # preallocated: thousands of small results between large batches would fragment memory
    bounds, done = torch.empty(len(context.split), dtype=torch.float64), 0
    for images in silent_batches(context, context.split):
        posterior = context.model.posterior(images)
        for bound in importance_weighted_bounds(
            context.model, images, posterior, samples, generator
        ):
            bounds[done : done + len(bound)] = bound
            done += len(bound)
            context.advance(len(bound))
    return bounds


def importance_weighted_bounds(
    model: VAE, images: Tensor, posterior: Posterior, samples: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """The bound of each image (B, C, H, W), nats, float64 on the CPU, a few images at a time."""
    rows = _ROWS_ON_CPU if images.device.type == "cpu" else _ROWS_ON_GPU
    draws = min(samples, rows)
    images_at_once = max(rows // draws, 1)
    parts = zip(
        images.split(images_at_once),
        posterior.mean.split(images_at_once),
        posterior.log_var.split(images_at_once),
        strict=True,
    )
    for few, mean, log_var in parts:
        yield _few_images(model, few, type(posterior)(mean, log_var), samples, draws, generator)


def _few_images(
    model: VAE,
    images: Tensor,
    posterior: Posterior,
    samples: int,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """The bound of images (b, C, H, W), ``draws`` samples at a time."""
    total = torch.full((len(images),), -math.inf, dtype=torch.float64)
    for done in range(0, samples, draws):
        now = min(draws, samples - done)
        # repeat a single image without a copy
        repeated = (
            images.expand(now, *images.shape[1:])
            if len(images) == 1
            else images.repeat_interleave(now, 0)
        )
        each = type(posterior)(
            posterior.mean.repeat_interleave(now, 0), posterior.log_var.repeat_interleave(now, 0)
        )
        z = each.sample(generator)
        log_weights = model.log_likelihood(repeated, z) + model.prior.log_prob(z) - each.log_prob(z)
        part = log_weights.view(len(images), now).cpu().double().logsumexp(1)
        total = torch.logaddexp(total, part)
    return total - math.log(samples)
