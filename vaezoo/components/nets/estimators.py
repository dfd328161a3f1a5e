"""Estimators behind the metrics. Means over examples are taken in float64 on the CPU: a mean over
10,000 examples of hundreds of nats keeps its digits, and not every device has float64."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from vaezoo.registry import Figure, Scene

_BATCH = 500


def _batches(scene: Scene) -> Iterator[Tensor]:
    """The split's images as float32 in [0, 1] on the model's device, in order."""
    for images in scene.split.images.split(_BATCH):
        yield images.to(scene.model.device).to(torch.float32).div_(255)
        scene.advance(len(images))


def _figure(
    scene: Scene,
    name: str,
    values: Tensor,
    samples: int,
    per_dimension: Tensor | None = None,
) -> Figure:
    """The mean of per-example values (N,), with its standard error over examples."""
    error = values.std().item() / len(values) ** 0.5 if len(values) > 1 else None
    return Figure(
        name=name,
        value=values.mean().item(),
        unit="nats per example",
        split=scene.split_name,
        likelihood=scene.spec.model.likelihood.use,
        binarisation="none, pixels as stored in [0, 1]",
        samples=samples,
        examples=len(values),
        standard_error=error,
        per_dimension=tuple(per_dimension.tolist()) if per_dimension is not None else None,
        note=_caveat(scene),
    )


def _caveat(scene: Scene) -> str:
    trained_on = scene.split_name == "test" and scene.test_is_trained_on
    return "these images were part of the training data" if trained_on else ""


@torch.inference_mode()
def elbo_figures(scene: Scene, samples: int) -> list[Figure]:
    """elbo, reconstruction and kl of every image, averaged."""
    model, generator = scene.model, scene.generator()
    reconstructions, divergences = [], []
    for images in _batches(scene):
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
        _figure(scene, "elbo", -(reconstruction + kl), samples),
        _figure(scene, "reconstruction", reconstruction, samples),
        _figure(scene, "kl", kl, samples, per_dimension),
    ]


@torch.inference_mode()
def active_units_figure(scene: Scene, threshold: float) -> Figure:
    """The count of dimensions whose posterior mean varies by more than ``threshold``."""
    means = torch.cat([scene.model.posterior(images).mean.cpu() for images in _batches(scene)])
    variances = means.double().var(0, correction=0)
    return Figure(
        name="active_units",
        value=float((variances > threshold).sum()),
        unit=f"latent dimensions of {scene.model.latent}",
        split=scene.split_name,
        likelihood=scene.spec.model.likelihood.use,
        binarisation="none, pixels as stored in [0, 1]",
        samples=0,
        examples=len(means),
        per_dimension=tuple(variances.tolist()),
        note="; ".join(
            filter(None, (f"variance of the posterior mean above {threshold:g}", _caveat(scene)))
        ),
    )
