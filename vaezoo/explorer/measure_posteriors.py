"""Posteriors of test images: where their means lie, and what each latent carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.registry import Batch, Split
from vaezoo.registry.active_latents import ACTIVE_ABOVE, is_active

if TYPE_CHECKING:
    from vaezoo.model import VAE

_BATCH = 250


@dataclass(frozen=True)
class Posteriors:
    """Of N images: ``means`` (N, latents), ``labels`` (N,), −1 where there are none.

    ``carried`` (latents,) is the mean KL of each latent in nats, or the variance of its posterior
    mean if the KL of single latents is unknown; ``unit`` says which.
    """

    means: Tensor
    labels: Tensor
    carried: Tensor
    unit: str

    @property
    def used(self) -> Tensor:
        """Whether each latent is active: its mean varies over the images, (latents,)."""
        found: Tensor = is_active(self.means.double().var(0, correction=0))
        return found

    @property
    def rule(self) -> str:
        """When a latent counts as unused."""
        return f"its posterior mean varies by less than {ACTIVE_ABOVE} over the images"


@torch.inference_mode()
def measure_posteriors(model: VAE, split: Split) -> Posteriors:
    """Encode every image of a split, which is not empty."""
    generator = torch.Generator(model.device).manual_seed(0)
    means, kls = [], []
    for batch in unit_batches(model, split):
        encoded = model.encoded(*batch)
        means.append(model.posterior_of(encoded).mean.flatten(1).float().cpu())
        trace = model.trace(batch, generator, encoded=encoded)
        kl = trace.kl_by_dimension if len(trace.sites) == 1 and trace.has_exact_kl else None
        kls.append(None if kl is None or kl.shape[1] != model.latent else kl.double().cpu())
    stacked = torch.cat(means)
    labels = torch.full((len(split),), -1) if split.labels is None else split.labels
    known = [kl for kl in kls if kl is not None]
    if len(known) == len(kls):
        return Posteriors(stacked, labels, torch.cat(known).mean(0), "nats")
    return Posteriors(stacked, labels, stacked.double().var(0, correction=0), "variance")


def unit_batches(model: VAE, split: Split) -> list[Batch]:
    """Images as float32 in [0, 1] on the model's device, with labels."""
    found = []
    for start in range(0, len(split), _BATCH):
        rows = slice(start, start + _BATCH)
        images = split.images[rows].to(model.device).float() / 255
        labels = None if split.labels is None else split.labels[rows].to(model.device)
        found.append(Batch(images, labels))
    return found
