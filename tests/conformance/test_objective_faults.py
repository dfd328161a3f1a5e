"""Faults of likelihoods, priors, losses and optimizers, each found by the check for it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pydantic import Field
from torch import nn

from tests.conformance.faults import check, fails
from vaezoo import (
    ImageShape,
    LatentDistribution,
    LatentSpace,
    Likelihood,
    Loss,
    Optimizer,
    Prior,
)
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.optimizers import SGD
from vaezoo.components.priors import StandardNormal
from vaezoo.testing.conformance.outcome import Declined, NotApplicable


class NormalNet(nn.Module):
    """Unit normal pixels, with a sound log-probability."""

    def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        return -0.5 * (images - mean) ** 2 - 0.5 * math.log(2 * math.pi)

    def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        return self.density(images, parameters.float()).flatten(1).sum(1)

    def mean(self, parameters: torch.Tensor) -> torch.Tensor:
        return parameters.float()


def likelihood(net: type[nn.Module], **declared: Any) -> Likelihood:
    class Faulty(Likelihood, use="faulty"):
        """Has a fault."""

        def build(self, image: ImageShape) -> Any:
            return net()

    for name, value in declared.items():
        setattr(Faulty, name, property(lambda self, value=value: value))  # type: ignore[misc]
    return Faulty()


def test_a_sound_likelihood_normalises_over_the_line() -> None:
    for name in ("normalises", "mean_is_the_expectation", "sums_over_pixels"):
        check(likelihood(NormalNet), name)


def test_a_mean_over_pixels() -> None:
    class Mean(NormalNet):
        def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
            return self.density(images, parameters.float()).flatten(1).mean(1)

    fails(likelihood(Mean), "sums_over_pixels", "instead of taking the mean")


def test_a_density_that_is_none() -> None:
    class Skewed(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return super().density(images, mean) + mean.sin()

    class Unscaled(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return -0.5 * (images - mean) ** 2

    fails(likelihood(Skewed), "normalises", "over any known set of values")
    with pytest.raises(Declined, match=r"2\.507, whatever the parameters"):
        check(likelihood(Unscaled), "normalises")
    fails(likelihood(NormalNet, for_binary_images=True), "normalises", "over {0, 1}")


def test_a_likelihood_with_false_declarations() -> None:
    class Narrow(NormalNet):
        def density(self, images: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
            return -50 * (images - mean) ** 2 + math.log(10 / math.sqrt(2 * math.pi))

    check(likelihood(Narrow, deviation=0.1), "declared_properties")
    fails(likelihood(Narrow, deviation=1.0), "declared_properties", "deviation is 1")

    class Bright(NormalNet):
        def log_prob(self, images: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
            return super().log_prob(images, parameters) + 9000

    fails(likelihood(Bright, never_positive=True), "declared_properties", "reaches")


def test_a_mean_that_is_not_the_expectation() -> None:
    class Shifted(NormalNet):
        def mean(self, parameters: torch.Tensor) -> torch.Tensor:
            return parameters.float() + 0.2

    fails(likelihood(Shifted), "mean_is_the_expectation", "`mean` gives")


class StandardNet(nn.Module):
    """A sound standard normal."""

    def __init__(self, space: LatentSpace) -> None:
        super().__init__()
        self.latent = space.size

    def log_prob(self, z: torch.Tensor) -> torch.Tensor:
        return -0.5 * (z**2 + math.log(2 * math.pi)).sum(1)

    def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randn(count, self.latent, generator=generator)

    def kl(self, posterior: LatentDistribution) -> torch.Tensor | None:
        if posterior.variance is None or posterior.entropy is None:
            return None
        squared = posterior.mean**2 + posterior.variance
        return 0.5 * (squared + math.log(2 * math.pi)) - posterior.entropy


def prior(net: type[nn.Module]) -> Prior:
    class Faulty(Prior, use="faulty"):
        """Has a fault."""

        def build(self, space: LatentSpace) -> Any:
            return net(space)

    return Faulty()


def test_priors_that_contradict_themselves() -> None:
    class Averaged(StandardNet):
        def kl(self, posterior: LatentDistribution) -> Any:
            return super().kl(posterior) / 2

    class Wide(StandardNet):
        def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
            return 1.1 * super().sample(count, generator)

    class Bare(StandardNet):
        def log_prob(self, z: torch.Tensor) -> torch.Tensor:
            return -0.5 * (z**2).sum(1)

    class Global(StandardNet):
        def sample(self, count: int, generator: torch.Generator) -> torch.Tensor:
            return torch.randn(count, self.latent)

    class Open(StandardNet):
        def kl(self, posterior: LatentDistribution) -> None:
            return None

    class ForGaussians(StandardNet):
        def kl(self, posterior: LatentDistribution) -> Any:
            if posterior.variance is None:
                return None
            log_var = posterior.variance.log()
            return 0.5 * (posterior.mean**2 + posterior.variance - 1 - log_var)

    for name in ("kl_against_monte_carlo", "density_integrates_to_one", "draws"):
        check(StandardNormal(), name)
    fails(prior(Averaged), "kl_against_monte_carlo", "draws")
    fails(prior(ForGaussians), "kl_against_monte_carlo", "posterior (full_covariance|laplace)")
    fails(prior(Wide), "draws_follow_the_density", "away from that of log_prob")
    fails(prior(Bare), "density_integrates_to_one", "integrates to")
    fails(prior(Global), "draws", "two generators with one seed")
    with pytest.raises(NotApplicable, match="no closed form"):
        check(prior(Open), "kl_against_monte_carlo")


def loss(change: Any, **declared: Any) -> Loss:
    class Faulty(Loss, use="faulty"):
        """Has a fault."""

        def build(self) -> Any:
            sound = ELBOLoss().build()

            def module(model: Any, batch: Any, weights: Any, generator: Any) -> Any:
                given = {"beta": 1.0, "free_bits": 0.0}
                return change(sound(model, batch, given, generator), generator)

            return module

    for name, value in declared.items():
        setattr(Faulty, name, value)
    return Faulty()


def test_losses_that_weigh_or_omit_terms() -> None:
    check(loss(lambda terms, _: terms), "declared_terms")
    by_size = loss(lambda t, _: t | {"objective": t["objective"] * len(t["kl"])})
    fails(by_size, "objective_is_independent_of_batch_size", "without a mean over the batch")
    averaged = loss(lambda t, _: {k: v.mean() for k, v in t.items()})
    fails(averaged, "declared_terms", "give one number each")
    doubled = loss(lambda t, _: t | {"kl": 2 * t["kl"]})
    fails(doubled, "reconstruction_and_kl_are_those_of_the_model", "kl is")
    lacking = loss(lambda t, _: {k: v for k, v in t.items() if k != "kl"})
    fails(lacking, "declared_terms", "lack kl")
    detached = loss(lambda t, _: {k: v.detach().requires_grad_() for k, v in t.items()})
    fails(detached, "gradients_reach_encoder_and_decoder", "no gradient in the encoder")
    chance = loss(lambda t, _: {k: v + torch.rand(()) for k, v in t.items()})
    fails(chance, "draws_from_its_generator", "differ between two generators")
    fails(loss(lambda t, _: t, kl_weight="gamma"), "kl_weight_is_a_weight", "'gamma'")


def optimizer(change: Any) -> Optimizer:
    class Faulty(Optimizer, use="faulty"):
        """Has a fault."""

        lr: float = Field(0.01, description="learning rate")

        def build(self, parameters: Any, lr: float) -> Any:
            return change(list(parameters), lr)

    return Faulty()


def test_optimizers_that_break_the_contract() -> None:
    for name in (
        "reduces_a_quadratic",
        "applies_a_changed_learning_rate",
        "resumes_from_its_state",
    ):
        check(SGD(), name)

    class Stubborn(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.sub_(0.01 * parameter.grad)

    class Secretive(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.count = getattr(self, "count", 0) + 1
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.sub_(group["lr"] / self.count * parameter.grad)

    uphill = optimizer(lambda p, lr: torch.optim.SGD(p, lr=lr, maximize=True))
    fails(uphill, "reduces_a_quadratic", "went from")
    fixed = optimizer(lambda p, lr: torch.optim.SGD(p, lr=0.1))
    fails(fixed, "starts_at_the_learning_rate", "given a learning rate")
    fails(optimizer(Stubborn), "applies_a_changed_learning_rate", "lr = 0")
    fails(optimizer(Secretive), "resumes_from_its_state", "other steps")
