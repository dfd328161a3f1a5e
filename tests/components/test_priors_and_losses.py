import pytest
import torch
from torch.distributions import Normal, kl_divergence

from tests.helpers import small_spec
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.priors import StandardNormal
from vaezoo.model import DiagonalGaussian, build
from vaezoo.registry import Batch
from vaezoo.registry.fields import Schedule
from vaezoo.registry.module_contracts import LatentSpace


def test_the_closed_kl_is_the_one_between_normals():
    mean, log_var = torch.randn(5, 3).double(), torch.randn(5, 3).double()
    prior = StandardNormal().build(LatentSpace((3,)))
    expected = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(prior.kl(DiagonalGaussian(mean, log_var)), expected)


def test_the_prior_and_posterior_densities_are_normal():
    z = torch.randn(4, 3).double()
    prior = StandardNormal().build(LatentSpace((3,)))
    torch.testing.assert_close(prior.log_prob(z), Normal(0.0, 1.0).log_prob(z).sum(1))
    posterior = DiagonalGaussian(torch.randn(4, 3).double(), torch.randn(4, 3).double())
    expected = Normal(posterior.mean, (posterior.log_var / 2).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(posterior.log_prob(z), expected)


def test_samples_of_the_posterior_have_its_mean_and_spread():
    posterior = DiagonalGaussian(torch.full((100_000, 1), 2.0), torch.full((100_000, 1), -1.0))
    z = posterior.sample(torch.Generator().manual_seed(0))
    assert z.mean().item() == pytest.approx(2.0, abs=0.01)
    assert z.var().item() == pytest.approx(torch.tensor(-1.0).exp().item(), rel=0.02)


def terms_of(loss, spec, weights):
    model, images = build(spec), torch.rand(7, *spec.dataset.image_shape)
    return loss.build()(model, Batch(images), weights, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_objective_weighs_the_kl_and_sums_over_pixels(beta):
    spec = small_spec()
    terms = terms_of(ELBOLoss(), spec, {"beta": beta, "free_bits": 0.0})
    torch.testing.assert_close(terms["objective"], terms["reconstruction"] + beta * terms["kl"])
    pixels = 6 * 6
    # an untrained decoder gives logits near 0: log 2 nats a pixel, summed and not averaged
    assert terms["reconstruction"].mean().item() == pytest.approx(pixels * 0.6931, rel=0.1)
    assert all(values.shape == (7,) for values in terms.values())


def test_free_bits_hold_each_dimension_up_to_the_floor():
    spec = small_spec()
    terms = terms_of(ELBOLoss(free_bits=0.5), spec, {"beta": 1.0, "free_bits": 0.5})
    assert terms["kl"].mean() < 0.5  # an untrained encoder is close to the prior
    penalty = terms["objective"] - terms["reconstruction"]
    torch.testing.assert_close(penalty, torch.full((7,), 0.5 * spec.model.latent))


def test_the_weights_of_a_loss_are_its_real_fields():
    loss = ELBOLoss(beta=Schedule(linear=(0, 1), epochs=5))
    assert loss.weights == {"beta": Schedule(linear=(0, 1), epochs=5), "free_bits": 0.0}
