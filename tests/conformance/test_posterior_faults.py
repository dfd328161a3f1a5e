"""Faults of posteriors, each found by the check for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.conformance.faults import check, fails
from vaezoo import LatentDistribution, LatentSpace, Posterior, Prior
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing import PosteriorConformance
from vaezoo.testing.conformance.outcome import Nonconforming, NotApplicable

ELSEWHERE = {"test_import_budget", "test_entry_point", "test_compiles_natively"}


class Logistic(LatentDistribution):
    """Independent logistic latents, sound; the subclasses below each have one fault."""

    def __init__(self, mean: Tensor, log_scale: Tensor) -> None:
        self._mean = mean
        self.log_scale = log_scale

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def variance(self) -> Tensor | None:
        return (2 * self.log_scale).exp() * math.pi**2 / 3

    @property
    def entropy(self) -> Tensor | None:
        return self.log_scale + 2

    def uniform(self, generator: torch.Generator) -> Tensor:
        device, dtype = self._mean.device, self._mean.dtype
        found = torch.rand(self._mean.shape, generator=generator, device=device, dtype=dtype)
        return found.clamp(1e-6, 1 - 1e-6)

    def sample(self, generator: torch.Generator) -> Tensor:
        return self._mean + self.log_scale.exp() * self.uniform(generator).logit()

    def log_prob(self, z: Tensor) -> Tensor:
        scaled = (z - self._mean) / self.log_scale.exp()
        return (-scaled - self.log_scale - 2 * F.softplus(-scaled)).flatten(1).sum(1)


def posterior(distribution: type[Any], **declared: Any) -> Posterior:
    class Family(nn.Module):
        def forward(self, parameters: Tensor) -> LatentDistribution:
            return distribution(*parameters.unbind(1))

        def features(self, z: Tensor) -> Tensor:
            return z

    class Faulty(Posterior, use="faulty"):
        """May have a fault."""

        def encoder_output(self, latent: Shape) -> Shape:
            return (2, *latent)

        def build(self, latent: Shape) -> Any:
            return Family()

    for name, value in declared.items():
        setattr(Faulty, name, value)
    return Faulty()


def promises() -> list[str]:
    return [name for name in PosteriorConformance.checks() if name not in ELSEWHERE]


@pytest.mark.parametrize("name", promises())
def test_a_sound_posterior_passes(name: str) -> None:
    sound = posterior(Logistic, is_factorial=property(lambda self: True))
    check(sound, name.removeprefix("test_"))


def test_a_density_that_is_none() -> None:
    class Bare(Logistic):
        def log_prob(self, z: Tensor) -> Tensor:
            return super().log_prob(z) + self.log_scale.flatten(1).sum(1)

    class Averaged(Logistic):
        def log_prob(self, z: Tensor) -> Tensor:
            return super().log_prob(z) / math.prod(z.shape[1:])

    fails(posterior(Bare), "density_integrates_to_one", "in 1 dimension the density integrates to")
    fails(posterior(Averaged), "density_integrates_to_one", "in 2 dimensions the density")


def test_draws_of_another_distribution() -> None:
    class Wide(Logistic):
        def sample(self, generator: torch.Generator) -> Tensor:
            return self.mean + 1.1 * (super().sample(generator) - self.mean)

    class Coupled(Logistic):
        def sample(self, generator: torch.Generator) -> Tensor:
            first = self.uniform(generator).flatten(1)[:, :1].logit()
            noise = first.expand(-1, math.prod(self.mean.shape[1:])).view_as(self.mean)
            return self.mean + self.log_scale.exp() * noise

    fails(posterior(Wide), "draws_follow_the_density", "away from that of log_prob")
    fails(posterior(Coupled), "draws_follow_the_density", "draws of 2 latents do not follow")


def test_draws_that_ignore_their_generator() -> None:
    class Global(Logistic):
        def sample(self, generator: torch.Generator) -> Tensor:
            return self.mean + self.log_scale.exp() * torch.rand_like(self.mean).logit()

    class Wasteful(Logistic):
        def sample(self, generator: torch.Generator) -> Tensor:
            torch.rand(1)
            return super().sample(generator)

    fails(posterior(Global), "draws", "two generators with one seed")
    fails(posterior(Wasteful), "draws", "torch's global generator")


def test_moments_and_entropy_of_another_distribution() -> None:
    class Sharp(Logistic):
        @property
        def entropy(self) -> Tensor:
            return self.log_scale + 1.9

    class Narrow(Logistic):
        @property
        def variance(self) -> Tensor:
            return (2 * self.log_scale).exp()

    class Shifted(Logistic):
        @property
        def mean(self) -> Tensor:
            return self._mean

        def sample(self, generator: torch.Generator) -> Tensor:
            return super().sample(generator) + 0.1

    class Silent(Logistic):
        @property
        def entropy(self) -> None:
            return None

        @property
        def variance(self) -> None:
            return None

    fails(posterior(Sharp), "entropy_against_monte_carlo", "entropy gives .*, draws")
    fails(posterior(Narrow), "variance_against_monte_carlo", "variance gives .*, draws")
    fails(posterior(Shifted), "variance_against_monte_carlo", "mean gives .*, draws")
    for name in ("entropy_against_monte_carlo", "variance_against_monte_carlo"):
        with pytest.raises(NotApplicable, match="is None"):
            check(posterior(Silent), name)


def test_gradients_that_are_cut() -> None:
    class Held(Logistic):
        def log_prob(self, z: Tensor) -> Tensor:
            return Logistic(self.mean, self.log_scale.detach()).log_prob(z)

    class HeldDraws(Logistic):
        def sample(self, generator: torch.Generator) -> Tensor:
            return Logistic(self.mean, self.log_scale.detach()).sample(generator)

    class Single(Logistic):
        def log_prob(self, z: Tensor) -> Tensor:
            return super().log_prob(z).float()

    name = "gradients_against_finite_differences"
    fails(posterior(Held), name, "the gradient of log_prob with respect to parameter 2 is 0")
    fails(posterior(HeldDraws), name, "the gradient of a sample with respect to parameter 2 is 0")
    fails(posterior(Single), name, "keep the type of the parameters")


def test_examples_that_look_at_each_other() -> None:
    class Normalized(Logistic):
        def __init__(self, mean: Tensor, log_scale: Tensor) -> None:
            super().__init__(mean - mean.mean(0), log_scale)

    fails(posterior(Normalized), "examples_are_independent", "the others in the batch")


def test_shapes_of_what_it_gives() -> None:
    class Flat(Logistic):
        @property
        def mean(self) -> Tensor:
            return self._mean.sum(-1)

    class Total(Logistic):
        def penalties(self) -> Mapping[str, Tensor]:
            return {"size": self._mean.square().mean()}

    class Infinite(Logistic):
        def penalties(self) -> Mapping[str, Tensor]:
            return {"size": self._mean.flatten(1).sum(1) / 0}

    class PerLatent(Logistic):
        @property
        def entropy(self) -> Tensor:
            return (self.log_scale + 2).flatten(1).sum(1)

    class Tensors(Logistic):
        def extremes(self) -> Any:
            return {"the largest scale was": self.log_scale.max()}

    class Pair(tuple[Tensor, Tensor]):
        def __new__(cls, *parts: Tensor) -> Any:
            return super().__new__(cls, parts)

    fails(posterior(Flat), "distribution", r"mean is \(5,\)")
    fails(posterior(Total), "distribution", r"the penalty 'size' is \(\)")
    fails(posterior(Infinite), "distribution", "the penalty 'size' is not finite")
    fails(posterior(PerLatent), "distribution", r"entropy is \(5,\)")
    fails(posterior(Tensors), "distribution", "extremes gives")
    fails(posterior(Pair), "distribution", "not a vaezoo.LatentDistribution")


def test_what_is_not_so_of_the_density() -> None:
    class Radial(Logistic):
        def log_prob(self, z: Tensor) -> Tensor:
            return -(z - self.mean).flatten(1).norm(dim=1)

    independent = property(lambda self: True)
    fails(posterior(Radial, is_factorial=independent), "what_it_says_of_itself", "is_factorial")
    fails(
        posterior(Logistic, is_normal=independent),
        "what_it_says_of_itself",
        "is_normal means independent normal latents",
    )


def test_a_posterior_that_takes_no_latents() -> None:
    picky = posterior(Logistic, shape_problem=lambda self, latent: "only triples")
    fails(picky, "distribution", "only triples.*set `latents`")


LEVELS = 5


class Categorical(LatentDistribution):
    """Independent codes, sound; the subclasses below each have one fault."""

    def __init__(self, logits: Tensor, table: Tensor) -> None:
        self.logits = logits.log_softmax(1)  # (B, levels, *latent)
        self.table = table

    @property
    def mean(self) -> Tensor:
        return self.logits.argmax(1)

    def sample(self, generator: torch.Generator) -> Tensor:
        device, dtype = self.logits.device, self.logits.dtype
        uniform = torch.rand(self.logits.shape, generator=generator, device=device, dtype=dtype)
        return (self.logits - (-uniform.clamp(1e-12).log()).log()).argmax(1)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.logits.gather(1, z.unsqueeze(1)).flatten(1).sum(1)

    @property
    def entropy(self) -> Tensor:
        return -(self.logits.exp() * self.logits).sum(1)

    def features(self, z: Tensor) -> Tensor:
        return self.table[z]


def coded(distribution: type[Categorical]) -> Posterior:
    class Family(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.randn(LEVELS))

        def forward(self, parameters: Tensor) -> LatentDistribution:
            return distribution(parameters, self.table)

        def features(self, z: Tensor) -> Tensor:
            return self.table[z]

    class Coded(Posterior, use="coded"):
        """Codes of five levels."""

        def space(self, latent: Shape) -> LatentSpace:
            return LatentSpace(latent, "code", LEVELS)

        def encoder_output(self, latent: Shape) -> Shape:
            return (LEVELS, *latent)

        def build(self, latent: Shape) -> Any:
            return Family()

    return Coded()


class UniformCodes(Prior, use="uniform_codes"):
    """Every code alike."""

    supports = ("code",)

    def build(self, space: LatentSpace) -> Any:
        class Net(nn.Module):
            def log_prob(self, z: Tensor) -> Tensor:
                return torch.full((len(z),), -space.size * math.log(LEVELS), device=z.device)

            def sample(self, count: int, generator: torch.Generator) -> Tensor:
                return torch.randint(LEVELS, (count, *space.shape), generator=generator)

            def kl(self, posterior: LatentDistribution) -> Tensor | None:
                if posterior.entropy is None:
                    return None
                return (math.log(LEVELS) - posterior.entropy).flatten(1)

        return Net()


class TestCodes(PosteriorConformance):
    component = coded(Categorical)
    prior = UniformCodes()


def test_codes_without_a_prior_name_one() -> None:
    with pytest.raises(NotApplicable, match="no prior of code latents is installed; set `prior`"):
        check(coded(Categorical), "trains_in_a_model")


def test_faults_of_codes() -> None:
    class Unnormalized(Categorical):
        def __init__(self, logits: Tensor, table: Tensor) -> None:
            super().__init__(logits, table)
            self.logits = self.logits + 0.1

    class Greedy(Categorical):
        def sample(self, generator: torch.Generator) -> Tensor:
            return self.logits.argmax(1)

    class Beyond(Categorical):
        def sample(self, generator: torch.Generator) -> Tensor:
            return super().sample(generator) + 1

    class Low(Categorical):
        @property
        def entropy(self) -> Tensor:
            return 0.9 * super().entropy

    fails(coded(Unnormalized), "density_integrates_to_one", "probabilities sum to")
    fails(coded(Greedy), "draws_follow_the_density", "is drawn with frequency")
    fails(coded(Beyond), "draws", "expected integers from 0 to 4")
    fails(coded(Low), "entropy_against_monte_carlo", "entropy gives")


def test_a_prior_of_codes_is_checked_with_a_posterior_of_codes() -> None:
    from vaezoo.testing import PriorConformance

    class Kit(PriorConformance):
        component = UniformCodes()
        posterior = coded(Categorical)
        posteriors = (coded(Categorical),)

    for name in Kit.checks():
        if name not in ELSEWHERE:
            getattr(Kit(), name)()

    class Skewed(UniformCodes, use="skewed"):
        """Draws the first codes only."""

        def build(self, space: LatentSpace) -> Any:
            module = super().build(space)
            drawn = module.sample
            module.sample = lambda count, generator: drawn(count, generator) % 3
            return module

    Kit.component = Skewed()
    with pytest.raises(Nonconforming, match="is drawn with frequency"):
        Kit().test_draws_follow_the_density()
