"""Metrics against closed forms: a linear-Gaussian VAE, whose log p(x) is known exactly.

The model computes in float64, so that what is left is what the estimators do.
"""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch

from tests.components.linear_gaussian import (
    LATENT,
    context,
    exact_log_evidence,
    linear_gaussian,
    log_likelihood,
    normal_posterior,
)
from tests.helpers import built_in
from vaezoo.model import VAE
from vaezoo.registry import Figure, Split


def figures(model: VAE, samples: int = 10, **changes: Any) -> dict[str, Figure]:
    metric = built_in("metric", "elbo", samples=samples)
    return {figure.name: figure for figure in metric.compute(context(model.double(), **changes))}


def test_with_the_exact_posterior_the_bound_is_tight() -> None:
    model = linear_gaussian()
    elbo = figures(model, samples=50)["elbo"]
    evidence = exact_log_evidence(model, context(model).split.images)
    # what is left is the noise of the draws: a standard deviation of about 0.8 nats a draw
    assert elbo.value == pytest.approx(evidence.mean().item(), abs=0.03)
    assert elbo.standard_error == pytest.approx(evidence.std().item() / 750**0.5, rel=0.05)


def test_with_any_other_posterior_it_is_a_bound_short_by_the_divergence() -> None:
    wider = 2.0
    model = linear_gaussian(posterior_variance=wider)
    evidence = exact_log_evidence(model, context(model).split.images).mean().item()
    gap = LATENT * 0.5 * (wider - 1 - math.log(wider))  # KL of N(μ, 2s) from N(μ, s)
    elbo = figures(model, samples=50)["elbo"].value
    assert elbo < evidence
    assert elbo == pytest.approx(evidence - gap, abs=0.03)


def test_kl_is_the_closed_form_by_dimension() -> None:
    model = linear_gaussian()
    kl = figures(model)["kl"]
    with torch.no_grad():
        encoded = model.double().encoder(context(model).split.images.double() / 255)
        mean, log_var = encoded.unbind(1)
    by_dimension = (0.5 * (mean**2 + log_var.exp() - log_var - 1)).mean(0)
    assert kl.per_dimension == pytest.approx(by_dimension.tolist(), rel=1e-5)
    assert kl.value == pytest.approx(sum(kl.per_dimension or ()), rel=1e-9)


def test_a_kl_without_closed_form_is_estimated() -> None:
    estimated = figures(linear_gaussian(prior="open"), samples=50)
    closed = figures(linear_gaussian())
    assert estimated["kl"].value == pytest.approx(closed["kl"].value, abs=0.05)
    assert estimated["kl"].per_dimension is None
    # with q = p(z|x), log p(x|z) + log p(z) − log q(z|x) is log p(x) for every z
    model = linear_gaussian(prior="open")
    evidence = exact_log_evidence(model, context(model).split.images)
    one = figures(model, samples=1)["elbo"]
    assert one.value == pytest.approx(evidence.mean().item(), rel=1e-6)
    assert one.standard_error == pytest.approx(evidence.std().item() / 750**0.5, rel=1e-4)


def test_the_parts_add_up_to_the_bound() -> None:
    found = figures(linear_gaussian())
    parts = found["reconstruction"].value + found["kl"].value
    assert found["elbo"].value == pytest.approx(-parts, rel=1e-12)


def test_every_image_counts_alike_in_a_short_last_batch_too() -> None:
    # The KL needs no draw: 750 images are a batch of 500 and one of 250, much brighter.
    model = linear_gaussian()
    with torch.no_grad():
        images = context(model).split.images.float() / 255
        values = model.prior.kl(normal_posterior(model, images)).double().sum(1)
    kl = figures(model)["kl"]
    assert kl.value == pytest.approx(values.mean().item(), rel=1e-6)
    halves = (values[:500].mean() + values[500:].mean()).item() / 2
    assert abs(kl.value - halves) > 0.01 * kl.value  # what a mean of batch means would give
    assert kl.standard_error == pytest.approx(values.std().item() / 750**0.5, rel=1e-6)
    assert kl.examples == 750


def test_one_image_has_no_standard_error() -> None:
    assert (
        figures(linear_gaussian(), split=Split(torch.zeros(1, 1, 6, 6, dtype=torch.uint8)))[
            "elbo"
        ].standard_error
        is None
    )


@pytest.mark.parametrize("samples", [1, 7])
def test_the_stated_number_of_samples_is_drawn(samples: int) -> None:
    model = linear_gaussian()
    found = figures(model, samples=samples)
    assert sum(cast("Any", model.decoder).calls) == samples * 750
    assert {figure.samples for figure in found.values()} == {samples}


@pytest.mark.slow
def test_noise_decreases_with_samples_like_that_of_independent_draws() -> None:
    model = linear_gaussian()
    image = context(model, 1).split.images.float() / 255
    with torch.no_grad():
        posterior = model.posterior(image.expand(20_000, 1, 6, 6))
        z = posterior.sample(torch.Generator().manual_seed(0))
        spread = log_likelihood(model, image.expand(20_000, 1, 6, 6), z).std().item()
    for samples in (1, 16):
        values = [figures(model, samples, seed=s, count=1)["elbo"].value for s in range(400)]
        found = torch.tensor(values).std().item()
        assert found == pytest.approx(spread / samples**0.5, rel=0.15)


def test_the_seed_decides_the_figures() -> None:
    model = linear_gaussian()
    first = figures(model, seed=3)
    torch.rand(5)
    assert figures(model, seed=3) == first
    assert figures(model, seed=4)["elbo"].value != first["elbo"].value


def test_figures_leave_no_gradient_and_no_other_mode() -> None:
    model = linear_gaussian()
    figures(model)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_trained_on_test_images_are_named() -> None:
    note = "these images were part of the training data"
    found = figures(linear_gaussian(), test_is_trained_on=True)
    assert {figure.note for figure in found.values()} == {note}
    assert {figure.note for figure in figures(linear_gaussian()).values()} == {""}


def test_progress_counts_every_image() -> None:
    told: list[int] = []
    figures(linear_gaussian(), advance=told.append)
    assert sum(told) == 750


def active(model: VAE, threshold: float = 0.01, **changes: Any) -> Figure:
    metric = built_in("metric", "active_units", threshold=threshold)
    (figure,) = metric.compute(context(model.double(), **changes))
    return figure


def test_active_units_by_known_variances() -> None:
    model = linear_gaussian()
    images = context(model).split.images.flatten(1).double() / 255
    # dimension i reads pixel i, scaled so that its mean varies by exactly the wanted variance
    wanted = torch.tensor([0.5, 0.0101, 0.0099], dtype=torch.float64)
    scales = (wanted / images[:, :LATENT].var(0, correction=0)).sqrt()
    with torch.no_grad():
        model.encoder.matrix.zero_()
        model.encoder.matrix[:, :LATENT] = torch.diag(scales)
    figure = active(model)
    assert figure.per_dimension == pytest.approx(wanted.tolist(), rel=1e-5)
    assert figure.value == 2
    assert figure.samples == 0
    assert active(model, threshold=0.6).value == 0
    assert active(model, threshold=0.001).value == 3


def test_a_constant_posterior_has_no_active_units_however_large_it_is() -> None:
    model = linear_gaussian()
    with torch.no_grad():
        model.encoder.matrix.zero_()
        model.encoder.shift.fill_(100.0)
    assert active(model).value == 0
