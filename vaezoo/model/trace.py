"""Traces: what a model did with a batch. Losses, metrics and checks look at nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.model.distribution import LatentDistribution, kl_divergence

if TYPE_CHECKING:
    from vaezoo.model.vae import VAE
    from vaezoo.registry.contracts import Batch
    from vaezoo.registry.module_contracts import PriorModule


def repeated(values: Tensor, times: int) -> Tensor:
    """(B, …) -> (times·B, …): the whole batch, ``times`` times over."""
    if times == 1:
        return values
    return values.expand(times, *values.shape).flatten(0, 1)


@dataclass(frozen=True)
class Site:
    """One latent variable: K draws z for each of B examples, the first draw of all examples first.

    ``posterior`` has a row per draw. ``each`` is the same distribution with a row per example,
    where it does not depend on the draws. ``stopped`` makes ``posterior`` without gradients to
    its parameters.
    """

    name: str
    z: Tensor  # (K·B, *latent)
    posterior: LatentDistribution
    prior: PriorModule | LatentDistribution
    each: LatentDistribution | None = None
    stopped: Callable[[], LatentDistribution] | None = None

    @property
    def log_q(self) -> Tensor:
        """log q(z|…) of every draw: (K·B,), nats."""
        return self.posterior.log_prob(self.z)

    @property
    def log_p(self) -> Tensor:
        """log p(z|…) of every draw: (K·B,), nats."""
        return self.prior.log_prob(self.z)

    @property
    def log_q_stopped(self) -> Tensor:
        """``log_q`` with a gradient only through z (Roeder, Wu and Duvenaud 2017)."""
        return (self.stopped() if self.stopped else self.posterior).log_prob(self.z)

    @property
    def closed_kl(self) -> Tensor | None:
        """KL(q || p) in closed form, (B, D) or (K·B, D), nats; None without one."""
        return self.prior.kl(self.each or self.posterior)

    def kl(self, samples: int) -> Tensor:
        """KL(q || p) of each example, (B, D), nats: closed, else estimated from the draws."""
        if self.each is not None and (closed := self.prior.kl(self.each)) is not None:
            return closed
        by_draw = kl_divergence(self.posterior, self.prior, self.z)
        return by_draw if samples == 1 else by_draw.unflatten(0, (samples, -1)).mean(0)


@dataclass(frozen=True)
class Inference:
    """What a topology returns: its sites, the decoder's input (K·B, *decoder_input), penalties."""

    sites: tuple[Site, ...]
    features: Tensor
    penalties: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass
class Trace:
    """K = ``samples`` draws of all latents for a batch of B images, and what follows from them.

    Everything is in nats per example and computed when it is asked for.
    """

    model: VAE
    batch: Batch
    inference: Inference
    samples: int

    @property
    def sites(self) -> tuple[Site, ...]:
        return self.inference.sites

    @cached_property
    def parameters(self) -> Tensor:
        """The decoder's output: (K·B, P·C, H, W)."""
        return self.model.decoded(self.inference.features, self._repeated_labels)

    @property
    def mean_images(self) -> Tensor:
        """E[x|z] of every draw: (K·B, C, H, W)."""
        return self.model.likelihood.mean(self.parameters)

    @cached_property
    def _log_likelihoods(self) -> Tensor:
        """(K·B,): a single draw is not indexed, which would add steps to its gradient."""
        images = repeated(self.batch.images, self.samples)
        return self.model.likelihood.log_prob(images, self.parameters)

    @property
    def log_likelihood(self) -> Tensor:
        """log p(x|z) of every draw: (K, B)."""
        return self._by_draw(self._log_likelihoods)

    @property
    def reconstruction(self) -> Tensor:
        """−log p(x|z), averaged over draws: (B,)."""
        if self.samples == 1:
            return -self._log_likelihoods
        return -self.log_likelihood.mean(0)

    @cached_property
    def kl_by_dimension(self) -> Tensor:
        """KL(q(z|x) || p(z)), (B, D): in closed form where there is one, else by the draws.

        Sites follow each other. D is the number of latents if the KL of each one is known.
        """
        each = [site.kl(self.samples) for site in self.sites]
        return each[0] if len(each) == 1 else torch.cat(each, 1)

    @property
    def kl(self) -> Tensor:
        """KL(q(z|x) || p(z)): (B,)."""
        return self.kl_by_dimension.sum(1)

    @property
    def has_closed_kl(self) -> bool:
        """Whether the KL of every site is known in closed form."""
        return all(site.closed_kl is not None for site in self.sites)

    @property
    def has_exact_kl(self) -> bool:
        """Whether ``kl`` is in closed form and does not depend on the draws."""
        return self.has_closed_kl and all(site.each is not None for site in self.sites)

    @cached_property
    def log_q(self) -> Tensor:
        """log q(z|x) of every draw, over all sites: (K, B)."""
        return self._total([site.log_q for site in self.sites])

    @cached_property
    def log_p(self) -> Tensor:
        """log p(z) of every draw, over all sites: (K, B)."""
        return self._total([site.log_p for site in self.sites])

    @property
    def log_q_stopped(self) -> Tensor:
        """``log_q`` with a gradient only through z: (K, B)."""
        return self._total([site.log_q_stopped for site in self.sites])

    @property
    def log_weights(self) -> Tensor:
        """log p(x, z) − log q(z|x) of every draw: (K, B)."""
        return self.log_likelihood + self.log_p - self.log_q

    @property
    def penalty(self) -> Tensor | None:
        """The sum of the posterior's penalties, (B,); None without any."""
        values = list(self.inference.penalties.values())
        if not values:
            return None
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total

    def _by_draw(self, values: Tensor) -> Tensor:
        by_draw: Tensor = values.unflatten(0, (self.samples, -1))
        return by_draw

    def _total(self, values: list[Tensor]) -> Tensor:
        total = values[0]
        for value in values[1:]:
            total = total + value
        return self._by_draw(total)

    @property
    def _repeated_labels(self) -> Tensor | None:
        labels = self.batch.labels
        return None if labels is None else repeated(labels, self.samples)
