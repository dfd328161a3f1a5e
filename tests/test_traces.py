"""Traces: draws of z, their densities and the KL, against a model whose log p(x) is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.components.linear_gaussian import (
    LATENT,
    context,
    exact_log_evidence,
    linear_gaussian,
    log_likelihood,
    normal_posterior,
)
from vaezoo.model import VAE, Trace
from vaezoo.registry import Batch


def unit_images(model: VAE, count: int) -> Tensor:
    return context(model, count).split.images.double() / 255


def traced(model: VAE, images: Tensor, samples: int = 1) -> Trace:
    return model.trace(Batch(images), torch.Generator().manual_seed(0), samples=samples)


def test_with_the_exact_posterior_every_weight_is_the_evidence() -> None:
    model = linear_gaussian().double()
    weights = traced(model, unit_images(model, 6), samples=5).log_weights
    assert weights.shape == (5, 6)
    exact = exact_log_evidence(model, context(model, 6).split.images)
    torch.testing.assert_close(weights, exact.expand(5, 6), atol=1e-5, rtol=1e-6)


def test_the_first_draw_of_all_images_comes_first() -> None:
    model = linear_gaussian(posterior_variance=2.0).double()
    images = unit_images(model, 4)
    trace = traced(model, images, samples=3)
    (site,) = trace.sites
    assert site.z.shape == (3 * 4, LATENT)
    for draw, z in enumerate(site.z.view(3, 4, LATENT)):
        posterior = normal_posterior(model, images)
        torch.testing.assert_close(trace.log_likelihood[draw], log_likelihood(model, images, z))
        torch.testing.assert_close(trace.log_q[draw], posterior.log_prob(z))
        torch.testing.assert_close(trace.log_p[draw], model.prior.log_prob(z))
    torch.testing.assert_close(trace.reconstruction, -trace.log_likelihood.mean(0))
    assert trace.mean_images.shape == (3 * 4, 1, 6, 6)
    assert trace.penalty is None


def test_a_closed_kl_does_not_depend_on_the_draws() -> None:
    model = linear_gaussian().double()
    images = unit_images(model, 5)
    one, many = traced(model, images), traced(model, images, samples=7)
    assert one.has_exact_kl
    expected = model.prior.kl(normal_posterior(model, images))
    assert expected is not None
    for trace in (one, many):
        assert expected is not None
        assert torch.equal(trace.kl_by_dimension, expected)
        assert torch.equal(trace.kl, expected.sum(1))


def test_a_prior_without_closed_form_is_estimated_from_the_draws() -> None:
    model = linear_gaussian(posterior_variance=2.0, prior="open").double()
    images = unit_images(model, 5)
    trace = traced(model, images, samples=4000)
    assert not trace.has_closed_kl
    assert not trace.has_exact_kl
    assert trace.kl_by_dimension.shape == (5, 1)
    ratios = trace.log_q - trace.log_p
    torch.testing.assert_close(trace.kl, ratios.mean(0))
    closed = traced(linear_gaussian(posterior_variance=2.0).double(), images).kl
    assert ((trace.kl - closed).abs() < 5 * ratios.std(0) / 4000**0.5).all()
    single = traced(model, images)
    assert torch.equal(single.kl, (single.log_q - single.log_p)[0])


def test_a_stopped_density_has_a_gradient_only_through_z() -> None:
    """log q(μ + σ ε) does not depend on μ, but its part through z is −(z − μ) / σ²."""
    model = linear_gaussian(posterior_variance=2.0).double()
    images = unit_images(model, 5)
    encoded = model.encoded(images).detach().requires_grad_()
    trace = model.trace(Batch(images), torch.Generator().manual_seed(0), samples=2, encoded=encoded)
    torch.testing.assert_close(trace.log_q_stopped, trace.log_q)
    (whole,) = torch.autograd.grad(trace.log_q.sum(), encoded, retain_graph=True)
    (path,) = torch.autograd.grad(trace.log_q_stopped.sum(), encoded)
    torch.testing.assert_close(whole[:, 0], torch.zeros_like(whole[:, 0]))
    mean, log_var = encoded.detach().unbind(1)
    z = trace.sites[0].z.detach().view(2, 5, LATENT)
    torch.testing.assert_close(path[:, 0], -((z - mean) / log_var.exp()).sum(0))


@pytest.mark.parametrize("samples", [1, 3])
def test_a_known_encoding_is_not_computed_again(samples: int) -> None:
    model = linear_gaussian().double()
    images = unit_images(model, 4)
    encoded, calls = model.encoded(images), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    trace = model.trace(
        Batch(images), torch.Generator().manual_seed(0), samples=samples, encoded=encoded
    )
    assert torch.equal(trace.log_weights, traced(model, images, samples).log_weights)
    assert len(calls) == 1
