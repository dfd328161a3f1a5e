"""Mutual information, marginal KL and total correlation of q(z) = 1/N Σ q(z|x_n).

Every draw is evaluated under all N posteriors, so q(z) is exact.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from vaezoo.components.nets.batched import batches, mean_figure
from vaezoo.model import DiagonalGaussian, LatentDistribution
from vaezoo.registry import EvaluationContext, Figure

#: pairs of a draw and a posterior to evaluate at once
_PAIRS = 2**21


@torch.inference_mode()
def information_figures(context: EvaluationContext, samples: int) -> list[Figure]:
    """mutual_information, marginal_kl and total_correlation over the split's images."""
    model, generator = context.model, context.generator()
    posteriors = [_normal(model.posterior(*batch)) for batch in batches(context)]
    posterior = DiagonalGaussian(
        torch.cat([part.mean.flatten(1) for part in posteriors]),
        torch.cat([part.log_var.flatten(1) for part in posteriors]),
    )
    shape = model.space.shape
    conditional, joint, product, prior = (
        torch.zeros(len(posterior.mean), dtype=torch.float64) for _ in range(4)
    )
    for _ in range(samples):
        z = posterior.sample(generator)
        conditional += posterior.log_prob(z).cpu().double() / samples
        prior += model.prior.log_prob(z.unflatten(1, shape)).cpu().double() / samples
        joint += log_aggregated(z, posterior) / samples
        product += log_aggregated_by_dimension(z, posterior).sum(1) / samples
    n = len(joint)
    return [
        mean_figure(
            context,
            "mutual_information",
            conditional - joint,
            samples,
            note=f"at most log {n:,} = {math.log(n):.2f}",
        ),
        mean_figure(context, "marginal_kl", joint - prior, samples),
        mean_figure(context, "total_correlation", joint - product, samples),
    ]


def _normal(posterior: LatentDistribution) -> DiagonalGaussian:
    if not isinstance(posterior, DiagonalGaussian):
        raise TypeError(f"{type(posterior).__name__} is no diagonal Gaussian")
    return posterior


def log_aggregated(z: Tensor, posterior: DiagonalGaussian) -> Tensor:
    """log q(z) of draws z (M, d) under N posteriors (N, d): (M,), nats, float64 on the CPU.

    Expands the squares into two matrix products. This loses digits, so it runs in float64 on the
    CPU.
    """
    z, mean = z.cpu().double(), posterior.mean.cpu().double()
    log_var = posterior.log_var.cpu().double()
    precision = torch.exp(-log_var)
    constant = -0.5 * (mean**2 * precision + log_var + math.log(2 * math.pi)).sum(1)
    parts = [
        torch.logsumexp(
            (mean * precision @ part.T - 0.5 * precision @ (part**2).T).T + constant, dim=1
        )
        for part in z.split(max(_PAIRS // len(mean), 1))
    ]
    return torch.cat(parts) - math.log(len(mean))


def log_aggregated_by_dimension(z: Tensor, posterior: DiagonalGaussian) -> Tensor:
    """log q(z_j) of each dimension: (M, d), nats, float64 on the CPU."""
    by_dimension = []
    for j in range(z.shape[1]):
        mean, log_var = posterior.mean[:, j], posterior.log_var[:, j]
        precision = torch.exp(-0.5 * log_var)
        constant = -0.5 * (log_var + math.log(2 * math.pi))
        parts = [
            torch.logsumexp(constant - 0.5 * ((part[:, None] - mean) * precision) ** 2, dim=1)
            for part in z[:, j].split(max(_PAIRS // len(mean), 1))
        ]
        by_dimension.append(torch.cat(parts).cpu().double() - math.log(len(mean)))
    return torch.stack(by_dimension, dim=1)
