"""The two parts of the inference gap (Cremer, Li and Duvenaud 2018, arXiv:1801.03558).

Fitting a q of the same family to each image shows how much of the gap between the ELBO and log
p(x) is due to the encoder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.components.nets.batched import mean_figure, silent_batches
from vaezoo.registry import EvaluationContext, Figure, Split

if TYPE_CHECKING:
    from vaezoo.model import VAE, Posterior

#: latents to decode at once; on a CPU the images must fit into its cache
_ROWS_ON_CPU, _ROWS_ON_GPU = 512, 32768


@dataclass(frozen=True)
class Fit:
    """Settings of the fit of q(z|x) to an image.

    Adam takes ``steps`` steps, each on ``draws`` new draws of z. The learning rate falls from
    ``lr`` to 0 along half a cosine.
    """

    steps: int
    draws: int
    lr: float


@dataclass(frozen=True)
class Gaps:
    """The gaps of each image, (N,) each, nats, float64 on the CPU.

    ``amortisation`` is the ELBO with the fitted q minus the ELBO with the encoder's q.
    ``remaining`` is the importance-weighted bound with the fitted q minus its ELBO.
    """

    amortisation: Tensor
    remaining: Tensor


def amortisation_figures(
    context: EvaluationContext, images: int, fit: Fit, samples: int
) -> list[Figure]:
    """amortisation_gap and remaining_gap of ``images`` images spread evenly over the split."""
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
    """The gaps of ``images`` images of the split, or of all if it has fewer."""
    model, generator = context.model, context.generator()
    total = len(context.split)
    count = min(images, total)
    chosen = Split(context.split.images[torch.arange(count) * total // count])
    amortisation, remaining, reported = [], [], 0
    for part in silent_batches(context, chosen, _images_at_once(model, fit.draws)):
        with torch.no_grad():
            encoded = model.posterior(part)
        fitted = fit_posterior(model, part, encoded, fit, generator)
        gain, rest = _gaps(model, part, encoded, fitted, samples, generator)
        amortisation.append(gain)
        remaining.append(rest)
        # scale the progress to the whole split
        done = total * sum(map(len, amortisation)) // count
        context.advance(done - reported)
        reported = done
    return Gaps(torch.cat(amortisation), torch.cat(remaining))


def fit_posterior(
    model: VAE, images: Tensor, start: Posterior, fit: Fit, generator: torch.Generator
) -> Posterior:
    """Fit a diagonal Gaussian to each image (B, C, H, W) by maximizing the ELBO.

    The gradient omits the score of log q, whose expectation is 0. It then vanishes for every draw,
    not only on average, if q is p(z|x) (Roeder, Wu and Duvenaud 2017).
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
            detached = type(start)(each.mean.detach(), each.log_var.detach())
            z = each.sample(generator)
            log_weights = _log_weights(model, repeated, z, detached)
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
    """Both gaps of each image (B, C, H, W), with draws that the fit has not used."""
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
    """log p(x|z) + log p(z) − log q(z|x) of one draw per image: (B,), nats."""
    return model.log_likelihood(images, z) + model.prior.log_prob(z) - posterior.log_prob(z)


def _repeated(posterior: Posterior, times: int) -> Posterior:
    """Repeat each image's q ``times`` times."""
    return type(posterior)(
        posterior.mean.repeat_interleave(times, 0), posterior.log_var.repeat_interleave(times, 0)
    )


def _rows(model: VAE) -> int:
    return _ROWS_ON_CPU if model.device.type == "cpu" else _ROWS_ON_GPU


def _images_at_once(model: VAE, draws: int) -> int:
    """The number of images to fit at once."""
    return max(_rows(model) // draws, 1)
