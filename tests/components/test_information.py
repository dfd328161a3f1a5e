"""Mutual information, marginal KL and total correlation against Gaussians in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.components.linear_gaussian import context, linear_gaussian
from tests.helpers import built_in
from vaezoo.components.nets.information import log_aggregated, log_aggregated_by_dimension
from vaezoo.model import VAE, DiagonalGaussian
from vaezoo.registry import Figure

COUNT = 6000


def gaussian_posteriors(covariance: Tensor, variance: float) -> DiagonalGaussian:
    """q(z|n) = N(m_n, variance) with m_n ~ N(0, covariance): q(z) is nearly a Gaussian too."""
    generator = torch.Generator().manual_seed(0)
    root = torch.linalg.cholesky(covariance)
    noise = torch.randn(COUNT, len(covariance), generator=generator, dtype=torch.float64)
    mean = noise @ root.T
    return DiagonalGaussian(mean, torch.full_like(mean, math.log(variance)))


@pytest.mark.parametrize("variance", [0.3, 1.0])
def test_the_aggregated_posterior_of_gaussians_is_a_gaussian(variance: float) -> None:
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64)
    posterior = gaussian_posteriors(covariance, variance)
    total = covariance + variance * torch.eye(2, dtype=torch.float64)
    zero = torch.zeros(2, dtype=torch.float64)
    exact = torch.distributions.MultivariateNormal(zero, total)
    z = exact.sample((400,))
    assert (log_aggregated(z, posterior) - exact.log_prob(z)).abs().mean() < 0.05
    by_dimension = torch.distributions.Normal(zero, total.diagonal().sqrt()).log_prob(z)
    found = log_aggregated_by_dimension(z, posterior)
    assert (found - by_dimension).abs().mean() < 0.03


@pytest.mark.slow
def test_total_correlation_and_mutual_information_of_gaussians() -> None:
    variance = 0.5
    covariance = torch.tensor([[1.0, 0.7], [0.7, 1.0]], dtype=torch.float64)
    posterior = gaussian_posteriors(covariance, variance)
    total = covariance + variance * torch.eye(2, dtype=torch.float64)
    z = posterior.sample(torch.Generator().manual_seed(1))
    joint = log_aggregated(z, posterior)
    correlation = (joint - log_aggregated_by_dimension(z, posterior).sum(1)).mean().item()
    exact = 0.5 * (total.diagonal().log().sum() - torch.logdet(total)).item()
    assert correlation == pytest.approx(exact, abs=0.03)
    information = (posterior.log_prob(z) - joint).mean().item()
    exact = 0.5 * (torch.logdet(total) - 2 * math.log(variance)).item()
    assert information == pytest.approx(exact, abs=0.05)


def test_sums_in_parts_are_those_of_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    mean, z = torch.randn(2, 50, 3, generator=generator, dtype=torch.float64).unbind()
    posterior = DiagonalGaussian(mean, torch.randn(50, 3, generator=generator, dtype=torch.float64))
    for draw, found, parts in zip(
        z,
        log_aggregated(z, posterior),
        log_aggregated_by_dimension(z, posterior),
        strict=True,
    ):
        each = torch.distributions.Normal(mean, torch.exp(0.5 * posterior.log_var)).log_prob(draw)
        assert found.item() == pytest.approx(each.sum(1).exp().mean().log().item(), rel=1e-9)
        assert parts.tolist() == pytest.approx(each.exp().mean(0).log().tolist(), rel=1e-9)


def figures(model: VAE, count: int = 750, samples: int = 1) -> dict[str, Figure]:
    metric = built_in("metric", "information", samples=samples)
    return {figure.name: figure for figure in metric.compute(context(model.double(), count))}


def test_the_two_parts_add_up_to_the_kl() -> None:
    model = linear_gaussian()
    found = figures(model, samples=20)
    kl = built_in("metric", "elbo").compute(context(model))[2]
    parts = found["mutual_information"].value + found["marginal_kl"].value
    assert parts == pytest.approx(kl.value, abs=0.03)


def test_a_posterior_that_ignores_the_image_carries_no_information() -> None:
    model = linear_gaussian()
    with torch.no_grad():
        model.encoder.matrix.zero_()
    found = figures(model)
    assert found["mutual_information"].value == pytest.approx(0, abs=1e-6)
    assert found["total_correlation"].value == pytest.approx(0, abs=1e-5)


def test_posteriors_far_apart_carry_the_log_of_their_number() -> None:
    model = linear_gaussian()
    with torch.no_grad():
        model.encoder.matrix.mul_(1e6)
    found = figures(model, count=64)
    assert found["mutual_information"].value == pytest.approx(math.log(64), abs=1e-6)
    assert "at most log 64 = 4.16" in found["mutual_information"].note
