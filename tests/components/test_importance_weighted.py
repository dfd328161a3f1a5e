"""The importance-weighted bound against the exact log p(x) of a linear-Gaussian VAE."""

from __future__ import annotations

import itertools
import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from tests.components.linear_gaussian import (
    LATENT,
    context,
    exact_log_evidence,
    linear_gaussian,
    log_likelihood,
)
from tests.helpers import built_in
from vaezoo.components.nets.importance import importance_weighted_bounds
from vaezoo.model import VAE
from vaezoo.registry import Batch, Figure


def bound(model: VAE, samples: int, count: int = 40, **changes: object) -> Figure:
    metric = built_in("metric", "importance_weighted", samples=samples)
    (figure,) = metric.compute(context(model.double(), count, **changes))
    return figure


def in_float64(model: VAE, samples: int, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """The bound of each image, and the exact evidence, both in float64."""
    model = model.double()
    images = context(model, count).split.images.double() / 255
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        parts = importance_weighted_bounds(model, Batch(images), samples, generator)
        found = torch.cat(list(parts))
    return found, exact_log_evidence(model, context(model, count).split.images)


@pytest.mark.parametrize("samples", [1, 3, 700])
def test_with_the_exact_posterior_every_bound_is_the_evidence(samples: int) -> None:
    # all weights p(x, z) / q(z|x) are p(x) itself, whatever z is
    found, exact = in_float64(linear_gaussian(), samples, 40)
    assert torch.allclose(found, exact, atol=1e-5)


def test_the_bound_grows_with_k_and_stays_below_the_evidence() -> None:
    model = linear_gaussian(posterior_variance=2.0)
    # so many images that the noise of their mean is well below what is missing at the largest K
    exact = exact_log_evidence(model, context(model, 6000).split.images).mean().item()
    values = [bound(model, samples, 6000).value for samples in (1, 4, 16, 64)]
    assert values == sorted(values)
    assert values[-1] < exact
    assert exact - values[-1] < 0.02 < exact - values[0]


def test_one_sample_is_the_elbo() -> None:
    wider = 2.0
    gap = LATENT * 0.5 * (wider - 1 - math.log(wider))
    found, exact = in_float64(linear_gaussian(posterior_variance=wider), 1, 20_000)
    assert (exact - found).mean().item() == pytest.approx(gap, abs=0.05)


def test_the_bias_falls_as_one_over_k() -> None:
    # log mean w has bias −Var(w) / (2 K E[w]²) to first order (Nowozin 2018, equation 6)
    model = linear_gaussian(posterior_variance=1.5)
    spread = (1.5**2 / (2 * 1.5 - 1)) ** (LATENT / 2) - 1  # E_q[(p/q)²] − 1 for one Gaussian each
    found, exact = in_float64(model, 10, 20_000)
    assert (exact - found).mean().item() == pytest.approx(spread / 20, rel=0.3)


def test_blocks_of_samples_and_of_images_count_alike() -> None:
    """So many samples that a block holds one image's, and so few that it holds many images."""
    model = linear_gaussian(posterior_variance=1.2)
    for samples in (7, 1500):
        found, exact = in_float64(model, samples, 60)
        assert found.shape == (60,)
        assert (found - exact).abs().max() < (1.0 if samples == 7 else 0.05)


def test_each_image_is_encoded_once_and_decoded_k_times() -> None:
    model = linear_gaussian()
    encoded: list[int] = []
    model.encoder.register_forward_hook(lambda _, given, __: encoded.append(len(given[0])))
    figure = bound(model, 600, 30)
    assert sum(encoded) == 30
    assert sum(cast("Any", model.decoder).calls) == 30 * 600
    assert (figure.samples, figure.examples) == (600, 30)


def test_progress_counts_every_image() -> None:
    told: list[int] = []
    bound(linear_gaussian(), 600, 30, advance=told.append)
    assert sum(told) == 30


def test_annealed_importance_sampling_agrees() -> None:
    """AIS (Neal 2001) knows neither the encoder nor the bound, and comes to the same figure."""
    model = linear_gaussian(posterior_variance=1.5)
    found, exact = in_float64(model, 2000, 8)
    images = context(model, 8).split.images.double() / 255
    annealed = annealed_importance_sampling(model, images, chains=300, steps=200)
    assert torch.allclose(annealed, found, atol=0.12)
    assert torch.allclose(annealed, exact, atol=0.12)


@torch.no_grad()
def annealed_importance_sampling(model: VAE, images: Tensor, chains: int, steps: int) -> Tensor:
    """log p(x) of images (B, …) by chains from the prior to the posterior: (B,), nats.

    Random-walk Metropolis steps whose size shrinks as the distribution narrows.
    """
    generator = torch.Generator().manual_seed(3)
    repeated = images.repeat_interleave(chains, 0)
    z = torch.randn(len(repeated), LATENT, generator=generator, dtype=torch.float64)
    log_weights = torch.zeros(len(repeated), dtype=torch.float64)
    likelihood = log_likelihood(model, repeated, z)
    # p(x|z) is weighed in slowly at first, where it changes most
    temperatures = torch.linspace(0, 1, steps + 1, dtype=torch.float64) ** 3
    for before, after in itertools.pairwise(temperatures):
        log_weights += (after - before) * likelihood
        for size in (0.6, 0.25, 0.1):
            noise = torch.randn(z.shape, generator=generator, dtype=torch.float64)
            proposed = z + size * noise
            new = log_likelihood(model, repeated, proposed)
            gain = after * (new - likelihood)
            gain += model.prior.log_prob(proposed) - model.prior.log_prob(z)
            uniform = torch.rand(len(z), generator=generator, dtype=torch.float64)
            accepted = uniform.log() < gain
            z = torch.where(accepted[:, None], proposed, z)
            likelihood = torch.where(accepted, new, likelihood)
    return log_weights.view(len(images), chains).logsumexp(1) - math.log(chains)
