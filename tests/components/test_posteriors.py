"""Families of posteriors against torch.distributions, and their KL against Monte Carlo."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Laplace, MultivariateNormal, Normal
from torch.nn.functional import softplus

from tests.helpers import built_in
from vaezoo.components.priors import StandardNormal
from vaezoo.model import DiagonalGaussian, LatentDistribution, bounded_log_var
from vaezoo.registry.module_contracts import LatentSpace

LATENT, COUNT = 3, 4


def family(use: str, **fields: str):
    """A component and its module."""
    posterior = built_in("posterior", use, **fields)
    return posterior, posterior.build((LATENT,))


def parameters(shape: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(COUNT, *shape, generator=generator, dtype=torch.float64)


def diagonal(given: Tensor) -> Distribution:
    return Independent(Normal(given[:, 0], (given[:, 1] / 2).exp()), 1)


def diagonal_softplus(given: Tensor) -> Distribution:
    return Independent(Normal(given[:, 0], softplus(given[:, 1])), 1)


def laplace(given: Tensor) -> Distribution:
    return Independent(Laplace(given[:, 0], given[:, 1].exp()), 1)


def full(given: Tensor) -> Distribution:
    """L has the rows (e₀), (l₀, e₁), (l₁, l₂, e₂) with e = exp(s / 2)."""
    mean, raw, below = given.split([LATENT, LATENT, LATENT], 1)
    factor = torch.diag_embed((raw / 2).exp())
    factor[:, 1, 0], factor[:, 2, 0], factor[:, 2, 1] = below.unbind(1)
    return MultivariateNormal(mean, scale_tril=factor)


FAMILIES = [
    ("diagonal_gaussian", {}, diagonal),
    ("diagonal_gaussian", {"scale": "softplus"}, diagonal_softplus),
    ("laplace", {}, laplace),
    ("full_covariance", {}, full),
]
of_each = pytest.mark.parametrize(
    ("use", "fields", "reference"), FAMILIES, ids=["exp", "softplus", "laplace", "full"]
)


@of_each
def test_density_mean_variance_and_entropy_are_torchs(use, fields, reference) -> None:
    posterior, module = family(use, **fields)
    given = parameters(posterior.encoder_output((LATENT,)))
    q, expected = module(given), reference(given)
    z = torch.randn(COUNT, LATENT, dtype=torch.float64)
    torch.testing.assert_close(q.log_prob(z), expected.log_prob(z))
    torch.testing.assert_close(q.mean, expected.mean)
    torch.testing.assert_close(q.variance, expected.variance)
    torch.testing.assert_close(q.entropy.sum(1), expected.entropy())
    assert q.entropy.shape == q.variance.shape == (COUNT, LATENT)


@of_each
def test_draws_have_the_moments_of_the_family(use, fields, reference) -> None:
    posterior, module = family(use, **fields)
    given = parameters(posterior.encoder_output((LATENT,)))
    expected, q = reference(given), module(given.repeat(50_000, *[1] * (given.ndim - 1)))
    draws = q.sample(torch.Generator().manual_seed(1)).unflatten(0, (-1, COUNT))
    scale = expected.variance.sqrt()
    assert ((draws.mean(0) - expected.mean).abs() < 0.03 * scale).all()
    assert ((draws.var(0) / expected.variance - 1).abs() < 0.05).all()
    if isinstance(expected, MultivariateNormal):
        found = torch.stack([row.T.cov() for row in draws.unbind(1)])
        bound = 0.05 * scale[:, :, None] * scale[:, None, :]
        assert ((found - expected.covariance_matrix).abs() < bound).all()


def normal_prior() -> DiagonalGaussian:
    mean = torch.tensor([[0.3, -1.0, 0.5]], dtype=torch.float64).expand(COUNT, LATENT)
    return DiagonalGaussian(mean, torch.tensor([0.4, 0.0, -0.6]).double().expand_as(mean))


@of_each
@pytest.mark.parametrize("prior", [StandardNormal().build(LatentSpace((LATENT,))), normal_prior()])
def test_the_closed_kl_agrees_with_draws(use, fields, reference, prior) -> None:
    posterior, module = family(use, **fields)
    given = parameters(posterior.encoder_output((LATENT,)))
    closed = prior.kl(module(given))
    assert closed.shape == (COUNT, LATENT)
    z = reference(given).sample((100_000,))
    density = (
        Independent(Normal(prior.mean, (prior.log_var / 2).exp()), 1)
        if isinstance(prior, DiagonalGaussian)
        else Independent(Normal(torch.zeros(LATENT).double(), 1.0), 1)
    )
    ratios = reference(given).log_prob(z) - density.log_prob(z)
    error = ratios.std(0) / len(z) ** 0.5
    assert ((closed.sum(1) - ratios.mean(0)).abs() < 5 * error + 1e-6).all()


def test_a_distribution_without_entropy_has_no_closed_kl() -> None:
    class Odd(LatentDistribution):
        mean = torch.zeros(2, LATENT)

        def sample(self, generator):
            raise NotImplementedError

        def log_prob(self, z):
            raise NotImplementedError

    assert StandardNormal().build(LatentSpace((LATENT,))).kl(Odd()) is None
    assert normal_prior().kl(Odd()) is None


def test_log_variances_are_bounded_and_keep_their_gradient() -> None:
    log_var = torch.tensor([-100.0, -1.0, 50.0], requires_grad=True)
    bounded = bounded_log_var(log_var)
    assert bounded.tolist() == [-30, -1, 20]
    bounded.sum().backward()
    assert log_var.grad.tolist() == [1, 1, 1]


@of_each
def test_the_kl_pulls_extreme_parameters_back(use, fields, reference) -> None:
    """Outside the bounds too, a scale that is too small grows and one that is too large shrinks."""
    posterior, module = family(use, **fields)
    for extreme in (-80.0, 80.0):
        given = torch.full((1, *posterior.encoder_output((LATENT,))), extreme).requires_grad_()
        kl = StandardNormal().build(LatentSpace((LATENT,))).kl(module(given)).sum()
        assert kl.isfinite()
        kl.backward()
        scales = (
            given.grad[:, LATENT : 2 * LATENT] if use == "full_covariance" else given.grad[:, 1]
        )
        assert (scales * extreme > 0).all()


def test_softplus_of_very_negative_numbers_is_exact() -> None:
    _, module = family("diagonal_gaussian", scale="softplus")
    raw = torch.tensor([-14.0, -14.9, -12.0, -1.0, 5.0, 9.0]).double()
    found = module(torch.stack((raw, raw))[None]).log_var
    torch.testing.assert_close(found[0], 2 * softplus(raw).log())


def test_a_full_covariance_needs_a_vector_of_few_latents() -> None:
    posterior, _ = family("full_covariance")
    assert posterior.shape_problem((1024,)) is None
    assert "not a grid" in posterior.shape_problem((4, 7, 7))
    assert "1,048,576" not in str(posterior.shape_problem((1024,)))
    assert "2,000" in posterior.shape_problem((2000,))
