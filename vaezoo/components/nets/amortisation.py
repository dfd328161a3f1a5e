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

from vaezoo.components.nets.batched import each_repeated, mean_figure, silent_batches
from vaezoo.registry import Batch, EvaluationContext, Figure, Split

if TYPE_CHECKING:
    from vaezoo.model import VAE

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
    rows, split = torch.arange(count) * total // count, context.split
    chosen = Split(split.images[rows], None if split.labels is None else split.labels[rows])
    amortisation, remaining, reported = [], [], 0
    for batch in silent_batches(context, chosen, _images_at_once(model, fit.draws)):
        with torch.no_grad():
            encoded = model.encoded(*batch)
        fitted = fit_posterior(model, batch, encoded, fit, generator)
        gain, rest = _gaps(model, batch, encoded, fitted, samples, generator)
        amortisation.append(gain)
        remaining.append(rest)
        # scale the progress to the whole split
        done = total * sum(map(len, amortisation)) // count
        context.advance(done - reported)
        reported = done
    return Gaps(torch.cat(amortisation), torch.cat(remaining))


def fit_posterior(
    model: VAE, batch: Batch, encoded: Tensor, fit: Fit, generator: torch.Generator
) -> Tensor:
    """Fit the posterior's parameters (B, *output) of each image by maximizing the ELBO.

    The gradient omits the score of log q, whose expectation is 0. It then vanishes for every draw,
    not only on average, if q is p(z|x) (Roeder, Wu and Duvenaud 2017).
    """
    with torch.enable_grad():
        parameters = encoded.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([parameters], lr=fit.lr)
        repeated = each_repeated(batch, fit.draws)
        for step in range(fit.steps):
            for group in optimizer.param_groups:
                group["lr"] = 0.5 * fit.lr * (1 + math.cos(math.pi * step / fit.steps))
            rows = parameters.repeat_interleave(fit.draws, 0)
            trace = model.trace(repeated, generator, encoded=rows)
            log_weights = trace.log_likelihood + trace.log_p - trace.log_q_stopped
            loss = -log_weights.sum() / fit.draws
            (parameters.grad,) = torch.autograd.grad(loss, [parameters])
            optimizer.step()
    return parameters.detach()


@torch.no_grad()
def _gaps(
    model: VAE,
    batch: Batch,
    encoded: Tensor,
    fitted: Tensor,
    samples: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Both gaps of each image, with draws that the fit has not used."""
    log_weights = []
    for parameters in (encoded, fitted):
        parts = []
        for done in range(0, samples, draws := max(_rows(model) // len(encoded), 1)):
            now = min(draws, samples - done)
            rows = parameters.repeat_interleave(now, 0)
            trace = model.trace(each_repeated(batch, now), generator, encoded=rows)
            parts.append(trace.log_weights.view(len(encoded), now).cpu().double())
        log_weights.append(torch.cat(parts, 1))
    elbo, best = (weights.mean(1) for weights in log_weights)
    bound = log_weights[1].logsumexp(1) - math.log(samples)
    return best - elbo, bound - best


def _rows(model: VAE) -> int:
    return _ROWS_ON_CPU if model.device.type == "cpu" else _ROWS_ON_GPU


def _images_at_once(model: VAE, draws: int) -> int:
    """The number of images to fit at once."""
    return max(_rows(model) // draws, 1)
