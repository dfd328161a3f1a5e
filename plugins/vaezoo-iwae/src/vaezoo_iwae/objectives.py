"""The objective as a module, with either gradient.

Symbols as in the papers: w_k = p(x, z_k) / q(z_k|x) are the importance weights of K draws, and
w̃_k = w_k / Σ w their shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vaezoo import VAE
    from vaezoo.model import Trace
    from vaezoo.registry import Batch


class ImportanceWeighted(nn.Module):
    """−log 1/K Σ w_k with its own gradient (Burda et al. 2016)."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples

    def forward(
        self,
        model: VAE,
        batch: Batch,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """A batch of images in [0, 1] -> objective, reconstruction, kl, each (B,), nats."""
        trace = model.trace(batch, generator, samples=self.samples)
        log_likelihood = trace.log_likelihood
        log_prior, log_posterior = trace.log_p, self.log_posterior(trace)
        log_weights = log_likelihood + log_prior - log_posterior
        self.watch(trace, log_weights)
        objective = math.log(self.samples) - torch.logsumexp(log_weights, 0)
        if trace.penalty is not None:
            objective = objective + trace.penalty
        return {
            "objective": objective,
            "reconstruction": -log_likelihood.detach().mean(0),
            "kl": _divergence(trace, log_posterior - log_prior),
        }

    def log_posterior(self, trace: Trace) -> Tensor:
        """log q(z|x) of every draw: (K, B)."""
        return trace.log_q

    def watch(self, trace: Trace, log_weights: Tensor) -> None:
        """Called after computing the weights (K, B), before the gradient."""


class DoublyReparameterised(ImportanceWeighted):
    """The same value with the DReG estimator (Tucker et al. 2019).

    The encoder's gradient is Σ w̃_k² ∂ log w_k / ∂z_k · ∂z_k / ∂φ. The decoder's and the prior's is
    unchanged: Σ w̃_k ∂ log w_k / ∂θ.
    """

    def log_posterior(self, trace: Trace) -> Tensor:
        """log q(z|x), with a gradient to the encoder only through z."""
        return trace.log_q_stopped

    def watch(self, trace: Trace, log_weights: Tensor) -> None:
        """Multiply the gradient of each site's z by w̃_k.

        The gradient of log Σ w_k has one factor w̃_k. The hook adds the second one only to the
        encoder's gradient, because the decoder and the prior do not depend on it. A gradient that
        passed through two sites would have three factors.
        """
        if any(site.each is None for site in trace.sites):
            raise ValueError(
                "the gradient dreg needs latents that do not depend on each other given the "
                "image; use the gradient standard"
            )
        shares = torch.softmax(log_weights.detach(), 0).flatten()
        for site in trace.sites:
            if site.z.requires_grad:
                site.z.register_hook(partial(_scaled, shares))


def _scaled(factors: Tensor, gradient: Tensor) -> Tensor:
    """Multiply each row of a gradient (K·B, *latent) by its factor (K·B,)."""
    return factors.view(-1, *[1] * (gradient.ndim - 1)) * gradient


def _divergence(trace: Trace, ratios: Tensor) -> Tensor:
    """KL(q(z|x) || p(z)) of each image, (B,): closed form, or the mean of log q / p (K, B)."""
    with torch.no_grad():
        return trace.kl if trace.has_closed_kl else ratios.mean(0)
