"""The inference gap in two parts (Cremer, Li and Duvenaud 2018, arXiv:1801.03558).

The encoder gives one q(z|x) for each image. A q of the same family that is fitted to each image
by itself says how much of the gap between the ELBO and log p(x) the encoder is to blame for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.components.nets.batched import mean_figure, unannounced_batches
from vaezoo.registry import EvaluationContext, Figure, Split

if TYPE_CHECKING:
    from vaezoo.model import VAE, Posterior

#: latents to decode at once: on a CPU few enough for their images to stay in its cache
_ROWS_ON_CPU, _ROWS_ON_GPU = 512, 32768


@dataclass(frozen=True)
class Fit:
    """How q(z|x) is fitted to one image: so many steps of Adam, whose learning rate falls from
    ``lr`` to 0 along a half cosine, each on the mean of so many fresh draws of z."""

    steps: int
    draws: int
    lr: float


@dataclass(frozen=True)
class Gaps:
    """Of each image, in nats, float64 on the CPU: (N,) each.

    ``amortisation`` is how far the ELBO with the fitted q lies above the one with the encoder's;
    ``remaining`` how far the importance-weighted bound with the fitted q lies above its ELBO.
    """

    amortisation: Tensor
    remaining: Tensor


def amortisation_figures(
    context: EvaluationContext, images: int, fit: Fit, samples: int
) -> list[Figure]:
    """amortisation_gap and remaining_gap over ``images`` that are spread evenly over the split."""
    gaps = inference_gaps(context, images, fit, samples)
    about = (
        f"images spread evenly over the split, q fitted to each by {fit.steps:,} steps of Adam "
        f"with {fit.draws} draws and a learning rate that falls from {fit.lr:g} to 0"
    )
    bound = f"importance-weighted bound with {samples:,} draws from the fitted q"
    return [
        mean_figure(context, "amortisation_gap", gaps.amortisation, samples, note=about),
        mean_figure(context, "remaining_gap", gaps.remaining, samples, note=f"{about}; {bound}"),
    ]


def inference_gaps(context: EvaluationContext, images: int, fit: Fit, samples: int) -> Gaps:
    """The gaps of ``images`` images of the split; of all where it has fewer."""
    model, generator = context.model, context.generator()
    total = len(context.split)
    count = min(images, total)
    chosen = Split(context.split.images[torch.arange(count) * total // count])
    amortisation, remaining, told = [], [], 0
    for part in unannounced_batches(context, chosen, _together(model, fit.draws)):
        with torch.no_grad():
            encoded = model.posterior(part)
        fitted = fit_posterior(model, part, encoded, fit, generator)
        gain, rest = _gaps(model, part, encoded, fitted, samples, generator)
        amortisation.append(gain)
        remaining.append(rest)
        # the images stand for the whole split, of which the progress is told
        done = total * sum(map(len, amortisation)) // count
        context.advance(done - told)
        told = done
    return Gaps(torch.cat(amortisation), torch.cat(remaining))


def fit_posterior(
    model: VAE, images: Tensor, start: Posterior, fit: Fit, generator: torch.Generator
) -> Posterior:
    """The diagonal Gaussian of each image (B, C, H, W) with the highest ELBO that is found.

    The gradient leaves out the score of log q, whose expectation is 0: it then vanishes for every
    draw, and not only in the mean, where q is p(z|x) (Roeder, Wu and Duvenaud 2017).
    """
    with torch.enable_grad():
        mean, log_var = (
            value.detach().clone().requires_grad_() for value in (start.mean, start.log_var)
        )
        optimizer = torch.optim.Adam([mean, log_var], lr=fit.lr)
        repeated = images.repeat_interleave(fit.draws, 0)
        for step in range(fit.steps):
            for group in optimizer.param_groups:
                group["lr"] = 0.5 * fit.lr * (1 + math.cos(math.pi * step / fit.steps))
            each = _repeated(type(start)(mean, log_var), fit.draws)
            held = type(start)(each.mean.detach(), each.log_var.detach())
            z = each.sample(generator)
            log_weights = _log_weights(model, repeated, z, held)
            loss = -log_weights.sum() / fit.draws
            mean.grad, log_var.grad = torch.autograd.grad(loss, [mean, log_var])
            optimizer.step()
    return type(start)(mean.detach(), log_var.detach())


@torch.no_grad()
def _gaps(
    model: VAE,
    images: Tensor,
    encoded: Posterior,
    fitted: Posterior,
    samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Both gaps of each image (B, C, H, W), by fresh draws that no fit has seen."""
    log_weights = []
    for posterior in (encoded, fitted):
        parts = []
        for done in range(0, samples, draws := max(_rows(model) // len(images), 1)):
            now = min(draws, samples - done)
            each = _repeated(posterior, now)
            z = each.sample(generator)
            found = _log_weights(model, images.repeat_interleave(now, 0), z, each)
            parts.append(found.view(len(images), now).cpu().double())
        log_weights.append(torch.cat(parts, 1))
    elbo, best = (weights.mean(1) for weights in log_weights)
    bound = log_weights[1].logsumexp(1) - math.log(samples)
    return best - elbo, bound - best


def _log_weights(model: VAE, images: Tensor, z: Tensor, posterior: Posterior) -> Tensor:
    """log p(x|z) + log p(z) − log q(z|x) of a draw for each image: (B,), nats."""
    return model.log_likelihood(images, z) + model.prior.log_prob(z) - posterior.log_prob(z)


def _repeated(posterior: Posterior, times: int) -> Posterior:
    """Each image's q so many times, one after the other."""
    return type(posterior)(
        posterior.mean.repeat_interleave(times, 0), posterior.log_var.repeat_interleave(times, 0)
    )


def _rows(model: VAE) -> int:
    return _ROWS_ON_CPU if model.device.type == "cpu" else _ROWS_ON_GPU


def _together(model: VAE, draws: int) -> int:
    """How many images are fitted at once."""
    return max(_rows(model) // draws, 1)
