"""The objective as a module, with either gradient.

Symbols as in the papers: w_k = p(x, z_k) / q(z_k|x) are the importance weights of K draws, and
w̃_k = w_k / Σ w their shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaezoo.model import Posterior

if TYPE_CHECKING:
    from vaezoo import VAE


class ImportanceWeighted(nn.Module):
    """−log 1/K Σ w_k with its own gradient (Burda et al. 2016)."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples

    def forward(
        self,
        model: VAE,
        images: Tensor,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """images (B, C, H, W) in [0, 1] -> objective, reconstruction, kl, each (B,), nats."""
        posterior = model.posterior(images)
        each = Posterior(self._repeated(posterior.mean), self._repeated(posterior.log_var))
        z = each.sample(generator)
        log_likelihood = self._by_draw(model.log_likelihood(self._repeated(images), z))
        log_prior = self._by_draw(model.prior.log_prob(z))
        log_posterior = self._by_draw(self.log_posterior(each, z))
        log_weights = log_likelihood + log_prior - log_posterior
        self.watch(z, log_weights)
        return {
            "objective": math.log(self.samples) - torch.logsumexp(log_weights, 0),
            "reconstruction": -log_likelihood.detach().mean(0),
            "kl": _divergence(model, posterior, log_posterior - log_prior),
        }

    def log_posterior(self, each: Posterior, z: Tensor) -> Tensor:
        """log q(z|x) of every draw: (K·B,)."""
        return each.log_prob(z)

    def watch(self, z: Tensor, log_weights: Tensor) -> None:
        """Called after computing the weights (K, B) of z (K·B, latent), before the gradient."""

    def _repeated(self, values: Tensor) -> Tensor:
        """(B, …) -> (K·B, …): repeat the whole batch K times."""
        return values.expand(self.samples, *values.shape).flatten(0, 1)

    def _by_draw(self, values: Tensor) -> Tensor:
        return values.reshape(self.samples, -1)


class DoublyReparameterised(ImportanceWeighted):
    """The same value with the DReG estimator (Tucker et al. 2019).

    The encoder's gradient is Σ w̃_k² ∂ log w_k / ∂z_k · ∂z_k / ∂φ. The decoder's and the prior's is
    unchanged: Σ w̃_k ∂ log w_k / ∂θ.
    """

    def log_posterior(self, each: Posterior, z: Tensor) -> Tensor:
        """log q(z|x), with a gradient to the encoder only through z."""
        return Posterior(each.mean.detach(), each.log_var.detach()).log_prob(z)

    def watch(self, z: Tensor, log_weights: Tensor) -> None:
        """Multiply the gradient of z by w̃_k.

        The gradient of log Σ w_k has one factor w̃_k. The hook adds the second one only to the
        encoder's gradient, because the decoder and the prior do not depend on it.
        """
        if z.requires_grad:
            shares = torch.softmax(log_weights.detach(), 0).flatten().unsqueeze(1)
            z.register_hook(lambda gradient: shares * gradient)


def _divergence(model: VAE, posterior: Posterior, ratios: Tensor) -> Tensor:
    """KL(q(z|x) || p(z)) of each image, (B,): closed form, or the mean of log q / p (K, B)."""
    with torch.no_grad():
        closed = model.prior.kl(posterior.mean, posterior.log_var)
        return ratios.mean(0) if closed is None else closed.sum(1)
