"""Estimators behind the metrics that look at each image by itself."""

from __future__ import annotations

import torch

from vaezoo.components.nets.figures import batches, figure, mean_figure
from vaezoo.registry import Figure, Scene


@torch.inference_mode()
def elbo_figures(scene: Scene, samples: int) -> list[Figure]:
    """elbo, reconstruction and kl of every image, averaged."""
    model, generator = scene.model, scene.generator()
    reconstructions, divergences = [], []
    for images in batches(scene):
        posterior = model.posterior(images)
        closed = model.prior.kl(posterior.mean, posterior.log_var)
        reconstruction = torch.zeros(len(images), device=model.device)
        estimated = torch.zeros_like(reconstruction)
        for _ in range(samples):
            z = posterior.sample(generator)
            reconstruction -= model.log_likelihood(images, z)
            if closed is None:
                estimated += posterior.log_prob(z) - model.prior.log_prob(z)
        kl = (estimated / samples).unsqueeze(1) if closed is None else closed
        reconstructions.append(reconstruction.cpu().double() / samples)
        divergences.append(kl.cpu().double())
    reconstruction, by_dimension = torch.cat(reconstructions), torch.cat(divergences)
    kl = by_dimension.sum(1)
    per_dimension = by_dimension.mean(0) if by_dimension.shape[1] == model.latent else None
    return [
        mean_figure(scene, "elbo", -(reconstruction + kl), samples),
        mean_figure(scene, "reconstruction", reconstruction, samples),
        mean_figure(scene, "kl", kl, samples, per_dimension=per_dimension),
    ]


@torch.inference_mode()
def active_units_figure(scene: Scene, threshold: float) -> Figure:
    """The count of dimensions whose posterior mean varies by more than ``threshold``."""
    means = torch.cat([scene.model.posterior(images).mean.cpu() for images in batches(scene)])
    variances = means.double().var(0, correction=0)
    return figure(
        scene,
        "active_units",
        float((variances > threshold).sum()),
        unit=f"latent dimensions of {scene.model.latent}",
        examples=len(means),
        per_dimension=variances,
        note=f"variance of the posterior mean above {threshold:g}",
    )


def entropy_floor_figure(scene: Scene) -> Figure:
    """The entropy of each image's grey levels as Bernoulli means, averaged."""
    entropies = [
        -(torch.xlogy(x, x) + torch.xlogy(1 - x, 1 - x)).flatten(1).sum(1).cpu()
        for x in batches(scene)
    ]
    return mean_figure(scene, "entropy_floor", torch.cat(entropies))
