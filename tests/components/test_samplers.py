"""Samplers draw from the distribution that they are fitted to."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.helpers import built_in, registry_with, small_spec, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo.components.posteriors import DiagonalGaussianPosterior
from vaezoo.diagnostics import SpecError
from vaezoo.model import VAE, build
from vaezoo.registry import LatentSpace
from vaezoo.runs.read_spec import check_spec
from vaezoo.spec import from_data
from vaezoo.training.prepare import load_for_training

MEANS = torch.tensor([[-2.0, 0.0], [3.0, 1.0]])
COVARIANCES = torch.tensor([[[0.25, 0.1], [0.1, 0.5]], [[0.2, 0.0], [0.0, 0.2]]])
WEIGHTS = torch.tensor([0.3, 0.7])
COUNT = 40_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def two_gaussians() -> Tensor:
    """(COUNT, 2), without the code under test."""
    chosen = (torch.rand(COUNT, generator=generator(1)) < WEIGHTS[1]).long()
    noise = torch.randn(COUNT, 2, generator=generator(2))
    factors = torch.linalg.cholesky(COVARIANCES)[chosen]
    return MEANS[chosen] + (factors @ noise[:, :, None])[:, :, 0]


def model() -> VAE:
    return build(small_spec()).eval()


def fitted(use: str, latents: Tensor, **fields: Any) -> Any:
    return built_in("sampler", use, **fields).fit(latents, None, model(), generator(5))


def covariance_of_mixture(means: Tensor, covariances: Tensor, weights: Tensor) -> Tensor:
    """Σ wₖ (Sₖ + μₖ μₖᵀ) − μ μᵀ."""
    mean = weights @ means
    second = torch.einsum("k,kij->ij", weights, covariances + means[:, :, None] * means[:, None])
    return second - mean[:, None] * mean


def test_a_mixture_of_two_known_gaussians_is_recovered() -> None:
    found = fitted("gaussian_mixture", two_gaussians(), components=2)
    order = found.means[:, 0].argsort()
    covariances = found.factors @ found.factors.mT
    # a mean of 12,000 draws of deviation 0.7 has an error of 0.006; a variance, of 0.007
    assert found.weights[order].tolist() == pytest.approx(WEIGHTS.tolist(), abs=0.01)
    torch.testing.assert_close(found.means[order], MEANS, atol=0.03, rtol=0)
    torch.testing.assert_close(covariances[order], COVARIANCES, atol=0.03, rtol=0)


def test_samples_of_a_mixture_have_its_moments() -> None:
    found = fitted("gaussian_mixture", two_gaussians(), components=2)
    drawn = found.sample(COUNT, generator(7))
    torch.testing.assert_close(drawn.mean(0), WEIGHTS @ MEANS, atol=0.06, rtol=0)
    expected = covariance_of_mixture(MEANS, COVARIANCES, WEIGHTS)
    torch.testing.assert_close(torch.cov(drawn.T), expected, atol=0.1, rtol=0)
    share = (drawn[:, 0] < 0.5).double().mean().item()
    assert share == pytest.approx(0.3, abs=0.015)


def test_a_mixture_of_a_grid_has_the_shape_of_the_grid() -> None:
    latents = two_gaussians().repeat(1, 4).reshape(COUNT, 2, 2, 2)[:2000]
    latents = latents + 0.1 * torch.randn(latents.shape, generator=generator())
    found = fitted("gaussian_mixture", latents, components=3)
    drawn = found.sample(5000, generator(1))
    assert drawn.shape == (5000, 2, 2, 2)
    torch.testing.assert_close(drawn.mean(0), latents.mean(0), atol=0.25, rtol=0)


def test_a_mixture_that_does_not_converge_says_so() -> None:
    with pytest.warns(UserWarning, match=r"did not converge in 1 steps; raise sampler\.iterations"):
        fitted("gaussian_mixture", two_gaussians()[:500], components=8, iterations=1)


def test_the_aggregated_posterior_has_the_moments_of_all_posteriors() -> None:
    means = torch.tensor([[-1.0, 4.0], [2.0, 0.0], [5.0, -1.0]])
    variances = torch.tensor([[0.5, 1.0], [0.1, 2.0], [1.5, 0.2]])
    encoded = torch.stack([means, variances.log()], 1)
    found = fitted("aggregated_posterior", encoded)
    owner = model()
    owner.set_sampler("aggregated_posterior", found)
    drawn = owner.draw(COUNT, generator(3))
    equal = torch.full((3,), 1 / 3)
    expected = covariance_of_mixture(means, torch.diag_embed(variances), equal)
    error = 4 * expected.diagonal().sqrt() / math.sqrt(COUNT)
    assert ((drawn.mean(0) - means.mean(0)).abs() < error).all()
    torch.testing.assert_close(torch.cov(drawn.T), expected, atol=0.15, rtol=0)


@pytest.mark.parametrize("use", ["gaussian_mixture", "aggregated_posterior"])
def test_sampling_is_reproducible(use: str) -> None:
    latents = two_gaussians()[:200]
    if use == "aggregated_posterior":
        latents = torch.stack([latents, latents], 1)
    owner = model()
    owner.set_sampler(use, fitted(use, latents))
    assert owner.samplers == (use, "prior")
    assert torch.equal(owner.sample(50, seed=4), owner.sample(50, seed=4))
    assert not torch.equal(owner.sample(50, seed=4), owner.sample(50, seed=5))
    assert torch.equal(owner.sample(50, sampler="prior"), model().sample(50))
    assert not torch.equal(owner.sample(50), model().sample(50))


def test_an_unknown_sampler_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="no sampler 'flow'; expected prior"):
        model().sample(sampler="flow")


def test_loading_takes_no_more_memory_than_the_stored_tensors() -> None:
    sampler = built_in("sampler", "gaussian_mixture", components=10_000)
    module = sampler.build(LatentSpace((3000,)))  # 360 GB of covariances
    with pytest.raises(RuntimeError, match="size mismatch for means"):
        module.load_state_dict({"weights": torch.ones(10_000), "means": torch.ones(2, 2)})


class Codes(DiagonalGaussianPosterior, use="codes"):
    """Integers of four levels."""

    def space(self, latent: tuple[int, ...]) -> LatentSpace:
        return LatentSpace(latent, "code", 4)


class AnyPrior(type(built_in("prior", "standard_normal")), use="any_prior"):  # type: ignore[misc,call-arg]
    """A prior of anything."""

    supports = ("real", "code")


@pytest.mark.parametrize(
    ("sampler", "problem"),
    [
        ("prior", None),
        ("aggregated_posterior", None),
        ("gaussian_mixture", "it draws real latents, not code ones"),
    ],
)
def test_discrete_latents_need_a_sampler_of_them(sampler: str, problem: str | None) -> None:
    registry = registry_with(Blobs, Codes, AnyPrior)
    parts = {"posterior": "codes", "prior": "any_prior"}
    data = spec_data(sampler=sampler, model=parts)
    if problem is None:
        from_data(data, registry)
        return
    with pytest.raises(SpecError, match=f"{sampler!r} does not suit the model: {problem}"):
        from_data(data, registry)


def test_more_gaussians_than_training_images_are_refused_before_training() -> None:
    spec = small_spec(sampler={"use": "gaussian_mixture", "components": 73})
    message = r"73 Gaussians cannot be fitted to 72 training images; lower sampler\.components"
    with pytest.raises(SpecError, match=message):
        load_for_training(spec)
    load_for_training(small_spec(sampler={"use": "gaussian_mixture", "components": 72}))


def test_a_missing_package_is_reported_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_spec(sampler="gaussian_mixture")
    check_spec(spec)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(SpecError, match=r"needs scikit-learn, pip install 'vaezoo\[mixture\]'"):
        check_spec(spec)
    check_spec(small_spec(sampler="aggregated_posterior"))


def test_canonical_specs_omit_the_default() -> None:
    assert "sampler" not in small_spec().canonical()
    assert small_spec(sampler="prior").canonical() == small_spec().canonical()
    written = small_spec(sampler="gaussian_mixture")
    assert written.canonical()["sampler"]["components"] == 10
    assert written.training_digest() == small_spec().training_digest()
