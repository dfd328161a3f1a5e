import math
from typing import Any

import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.nn import functional

from vaezoo.components import likelihoods
from vaezoo.components.nets.likelihood_nets import cross_entropy
from vaezoo.registry import ImageShape

SHAPE = ImageShape(1, 4, 5)
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(6, *SHAPE, generator=GENERATOR, dtype=torch.float64)
PARAMETERS = torch.randn(6, *SHAPE, generator=GENERATOR, dtype=torch.float64) * 3


def test_bernoulli_is_torchs_own_on_binary_images():
    binary = (IMAGES > 0.5).double()
    module = likelihoods.Bernoulli().build(SHAPE)
    expected = Bernoulli(logits=PARAMETERS).log_prob(binary).sum((1, 2, 3))
    torch.testing.assert_close(module.log_prob(binary, PARAMETERS), expected)
    torch.testing.assert_close(module.mean(PARAMETERS), Bernoulli(logits=PARAMETERS).mean)


def test_the_cross_entropy_is_torchs_own_with_its_gradient():
    logits = torch.cat([PARAMETERS * 20, torch.zeros_like(PARAMETERS)]).requires_grad_()
    images = torch.cat([IMAGES, IMAGES])
    ours = cross_entropy(logits, images)
    theirs = functional.binary_cross_entropy_with_logits(logits, images, reduction="none")
    torch.testing.assert_close(ours, theirs.flatten(1).sum(1))
    (gradient,) = torch.autograd.grad(ours.sum(), logits)
    (expected,) = torch.autograd.grad(theirs.sum(), logits)
    torch.testing.assert_close(gradient, expected)
    assert torch.autograd.gradcheck(cross_entropy, (PARAMETERS.clone().requires_grad_(), IMAGES))


def test_the_cross_entropy_keeps_its_digits_in_float32():
    logits = torch.linspace(-100, 100, 7840).reshape(10, 1, 28, 28)
    images = torch.rand(10, 1, 28, 28, generator=GENERATOR)
    exact = cross_entropy(logits.double(), images.double())
    torch.testing.assert_close(cross_entropy(logits, images).double(), exact, rtol=1e-6, atol=1e-4)


def test_gaussian_with_a_fixed_scale_is_the_normal_density():
    module: Any = likelihoods.Gaussian(scale=0.3, mean="linear").build(SHAPE)
    module.double()
    expected = Normal(PARAMETERS, 0.3).log_prob(IMAGES).sum((1, 2, 3))
    torch.testing.assert_close(module.log_prob(IMAGES, PARAMETERS), expected, rtol=1e-6, atol=0)
    assert not list(module.parameters())


def test_a_learned_scale_is_best_at_the_root_mean_squared_error():
    module: Any = likelihoods.Gaussian(scale="learned", mean="linear").build(SHAPE)
    module.double()
    best = (IMAGES - PARAMETERS).square().mean().sqrt().log()
    with torch.no_grad():
        module.log_scale.copy_(best)
    module.log_prob(IMAGES, PARAMETERS).sum().backward()
    assert module.log_scale.grad.abs() < 1e-6


def test_mse_is_the_gaussian_of_variance_one_half_up_to_its_constant():
    squared = likelihoods.MSE().build(SHAPE).log_prob(IMAGES, PARAMETERS)
    normal = Normal(torch.sigmoid(PARAMETERS), math.sqrt(0.5)).log_prob(IMAGES).sum((1, 2, 3))
    pixels = math.prod(SHAPE)
    torch.testing.assert_close(squared - 0.5 * math.log(math.pi) * pixels, normal)


@pytest.mark.parametrize("logit", [-20.0, -2.0, -0.06, -0.04, -1e-4, 0.0, 0.03, 0.051, 5.0, 30.0])
def test_the_continuous_bernoulli_integrates_to_one_and_has_its_mean(logit):
    module = likelihoods.ContinuousBernoulli().build(SHAPE)
    cells = 200_000
    x = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells  # midpoint rule
    logits = torch.full((cells, 1, 1, 1), logit, dtype=torch.float64)
    density = module.log_prob(x.reshape(-1, 1, 1, 1), logits).exp()
    assert density.mean().item() == pytest.approx(1, abs=2e-6)
    assert (density * x).mean().item() == pytest.approx(module.mean(logits)[0].item(), abs=2e-6)


def test_the_continuous_bernoullis_gradient_is_finite_at_zero():
    module = likelihoods.ContinuousBernoulli().build(SHAPE)
    logits = torch.zeros(1, *SHAPE, requires_grad=True)
    module.log_prob(torch.full((1, *SHAPE), 0.25), logits).sum().backward()
    # d/dη [log C(η) + ηx − softplus(η)] at 0: x − 1/2
    torch.testing.assert_close(logits.grad, torch.full((1, *SHAPE), -0.25))


@pytest.mark.parametrize("component", likelihoods.COMPONENTS)
def test_log_probabilities_stay_in_float32_whatever_comes_in(component):
    module = component().build(SHAPE)
    log_prob = module.log_prob(IMAGES.float(), PARAMETERS.bfloat16())
    assert log_prob.dtype == torch.float32
    assert log_prob.shape == (6,)


@pytest.mark.parametrize("scale", [0, -1.0, "free", True, math.inf])
def test_a_scale_must_be_positive_or_learned(scale):
    with pytest.raises(ValueError, match="must be a number above 0 or 'learned'"):
        likelihoods.Gaussian(scale=scale)
