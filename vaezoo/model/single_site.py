"""One latent variable: z ~ q(z|x), x ~ p(x|z)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaezoo.model.distribution import LatentDistribution
from vaezoo.model.trace import Inference, Site, repeated

if TYPE_CHECKING:
    from vaezoo.model.vae import VAE


class SingleSite(nn.Module):
    """Encoder, posterior, prior and decoder around one latent variable."""

    def posterior(self, model: VAE, encoded: Tensor) -> LatentDistribution:
        """q(z|x)."""
        return model.family(encoded)

    def infer(
        self,
        model: VAE,
        encoded: Tensor,
        generator: torch.Generator,
        samples: int,
        labels: Tensor | None = None,
    ) -> Inference:
        """``samples`` draws of z for each example."""
        each = model.family(encoded)
        many = each if samples == 1 else model.family(repeated(encoded, samples))
        z = many.sample(generator)
        prior = model.prior_given(labels)
        site = Site("z", z, many, prior, each, lambda: stopped(model, encoded, samples))
        return Inference((site,), many.features(z), each.penalties())

    def sample(
        self, model: VAE, count: int, generator: torch.Generator, labels: Tensor | None = None
    ) -> Tensor:
        """z ~ p(z), or p(z|y) for labels (count,)."""
        return model.prior_given(labels).sample(count, generator)


def stopped(model: VAE, encoded: Tensor, samples: int) -> LatentDistribution:
    """q(z|x) with a row per draw, without gradients to the encoder or to the family."""
    held = repeated(encoded.detach(), samples)
    family: nn.Module = model.family  # type: ignore[assignment]
    state = {name: value.detach() for name, value in family.named_parameters()}
    if not state:
        return model.family(held)
    found: LatentDistribution = torch.func.functional_call(family, state, (held,))
    return found
