"""Estimators of metrics that are means over images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaezoo.components.nets.batched import batches, figure, mean_figure
from vaezoo.registry import EvaluationContext, Figure
from vaezoo.registry.active_latents import is_active


def elbo_figures(context: EvaluationContext, samples: int) -> list[Figure]:
    """elbo, reconstruction and kl, averaged over images."""
    terms = elbo_terms(context, samples)
    by_dimension = terms.by_dimension.mean(0)
    per_dimension = by_dimension if len(by_dimension) == context.model.latent else None
    return [
        mean_figure(context, "elbo", terms.elbo, samples),
        mean_figure(context, "reconstruction", terms.reconstruction, samples),
        mean_figure(context, "kl", terms.kl, samples, per_dimension=per_dimension),
    ]


@dataclass(frozen=True)
class Terms:
    """The ELBO terms of each image, nats, float64 on the CPU.

    ``reconstruction`` is (N,). The KL term ``by_dimension`` is (N, latent), or (N, 1) if only its
    sum over latents is known.
    """

    reconstruction: Tensor
    by_dimension: Tensor

    @property
    def kl(self) -> Tensor:
        return self.by_dimension.sum(1)

    @property
    def elbo(self) -> Tensor:
        return -(self.reconstruction + self.kl)


@torch.inference_mode()
def elbo_terms(context: EvaluationContext, samples: int) -> Terms:
    """The terms of every image of the context's split."""
    model, generator = context.model, context.generator()
    reconstructions, divergences = [], []
    for batch in batches(context):
        encoded = model.encoded(*batch)
        reconstruction = torch.zeros(len(batch.images), device=model.device)
        estimates: list[Tensor] = []
        for _ in range(samples):
            trace = model.trace(batch, generator, encoded=encoded)
            reconstruction += trace.reconstruction
            if not estimates or not trace.has_exact_kl:
                estimates.append(trace.kl_by_dimension)
        kl = estimates[0] if len(estimates) == 1 else torch.stack(estimates).mean(0)
        reconstructions.append(reconstruction.cpu().double() / samples)
        divergences.append(kl.cpu().double())
    return Terms(torch.cat(reconstructions), torch.cat(divergences))


@torch.inference_mode()
def active_units_figure(context: EvaluationContext, threshold: float) -> Figure:
    """The number of dimensions whose posterior mean has a variance above ``threshold``."""
    each = [context.model.posterior(*batch).mean for batch in batches(context)]
    means = torch.cat([mean.flatten(1).cpu() for mean in each])
    variances = means.double().var(0, correction=0)
    return figure(
        context,
        "active_units",
        float(is_active(variances, threshold).sum()),
        unit=f"latent dimensions of {context.model.latent}",
        examples=len(means),
        per_dimension=variances,
        note=f"variance of the posterior mean above {threshold:g}",
    )


def entropy_floor_figure(context: EvaluationContext) -> Figure:
    """The entropy of each image's gray levels as Bernoulli means, averaged."""
    return mean_figure(context, "entropy_floor", gray_entropies(context))


def gray_entropies(context: EvaluationContext) -> Tensor:
    """The entropy of each image's gray levels as Bernoulli means: (N,), nats."""
    entropies = [
        -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).flatten(1).sum(1).cpu()
        for x, _ in batches(context)
    ]
    return torch.cat(entropies)
