"""Measure each latent dimension's use on a split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vaezoo.components.nets.batched import silent_batches
from vaezoo.model import Trace
from vaezoo.registry.active_latents import is_active
from vaezoo.registry.contracts import EvaluationContext

BATCH = 1000


@dataclass(frozen=True)
class Latents:
    """Posterior means (N, latent), and the use of each dimension (latent,).

    ``carried`` is the mean KL in nats, or the variance of the posterior means if the prior has no
    closed form. ``unit`` says which; it is empty without images.
    """

    means: NDArray[np.float32]
    carried: NDArray[np.float64]
    unit: str

    @property
    def order(self) -> NDArray[np.int64]:
        """The dimensions by decreasing ``carried``; unchanged without images."""
        return np.argsort(-self.carried, kind="stable")

    @property
    def used(self) -> NDArray[np.bool_]:
        """Whether each dimension is active; all are without images."""
        if not len(self.means):
            return np.ones(self.means.shape[1], dtype=np.bool_)
        used: NDArray[np.bool_] = is_active(np.var(self.means, axis=0, dtype=np.float64))
        return used


@torch.inference_mode()
def measure(context: EvaluationContext) -> Latents:
    """Measure the posterior of all images of the split."""
    if not len(context.split):
        latent = context.model.latent
        return Latents(np.zeros((0, latent), np.float32), np.zeros(latent), "")
    means: list[Tensor] = []
    total: Tensor | None = torch.zeros(context.model.latent, dtype=torch.float64)
    model, generator = context.model, context.generator()
    for batch in silent_batches(context, context.split, BATCH):
        encoded = model.encoded(*batch)
        mean = model.topology.posterior(model, encoded).mean
        means.append(mean.flatten(1).float().cpu())
        kl = _closed_kl(model.trace(batch, generator, encoded=encoded))
        total = None if kl is None or total is None else total + kl.cpu().double().sum(0)
        context.advance(len(mean))
    stacked = torch.cat(means).numpy()
    if total is None:
        return Latents(stacked, np.var(stacked, axis=0, dtype=np.float64), "variance")
    return Latents(stacked, (total / len(stacked)).numpy(), "nats")


def _closed_kl(trace: Trace) -> Tensor | None:
    """The KL of each latent that the decoder receives, (B, latent); None if it is unknown."""
    if not trace.has_exact_kl:
        return None
    kl = trace.kl_by_dimension[:, : trace.model.latent]
    return kl if kl.shape[1] == trace.model.latent else None


def decode(context: EvaluationContext, z: Tensor, labels: Tensor | int | None = None) -> Tensor:
    """Mean images of latents (N, latent) or (N, *latent), decoded in batches, in host memory.

    A conditional model needs ``labels``, (N,) or one for all.
    """
    z = z.reshape(len(z), *context.model.space.shape)
    images = []
    for start in range(0, len(z), BATCH):
        part = slice(start, start + BATCH)
        given = labels[part] if isinstance(labels, Tensor) else labels
        images.append(context.model.decode(z[part], given).cpu())
    return torch.cat(images)
