"""Checks of priors: density, draws and KL divergence agree."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaezoo.model import VAE, LatentDistribution
from vaezoo.registry import Posterior, Prior
from vaezoo.testing.conformance import partners
from vaezoo.testing.conformance.density_checks import (
    DRAWS,
    ERRORS,
    Density,
    require_draws_follow,
    require_normalized,
    require_own_generator,
)
from vaezoo.testing.conformance.description_checks import require_definition
from vaezoo.testing.conformance.distribution_checks import require_independent_latents
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance, seeded
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.tiny_models import small_model


class PriorConformance(NetworkConformance):
    """``class TestMine(PriorConformance): component = Mine(components=3)``.

    The prior is built as part of a small model, for each of ``latents`` dimensions.
    ``posterior`` is that of the model, by default the first that fits. The closed KL is checked
    for each of ``posteriors`` that fits, by default all that vaezoo brings.
    """

    kind: ClassVar[str] = "prior"
    component: Prior
    latents: tuple[int, ...] = (2, 1, 16)
    posterior: Posterior | None = None
    posteriors: tuple[Posterior, ...] | None = None

    def cases(self) -> list[Case]:
        return [_case(self.component, self._partner(latent), latent) for latent in self.latents]

    def test_draws(self) -> None:
        """``sample`` returns (count, latent) and draws only from its generator."""
        for latent in self.latents:
            require_own_generator(self._density(latent))

    def test_density_integrates_to_one(self) -> None:
        """exp(log_prob) integrates to 1, in one and two dimensions."""
        for latent in (1, 2):
            require_normalized(self._density(latent))

    def test_draws_follow_the_density(self) -> None:
        """In one dimension the draws are distributed as log_prob says (Kolmogorov–Smirnov)."""
        require_draws_follow(self._density(1))

    def test_description(self) -> None:
        """``formula`` renders in a report, and ``is_factorial`` agrees with the density."""
        require_definition(self.component.formula(2))
        if self.component.is_factorial:
            require_independent_latents(self._density(2))

    def test_kl_against_monte_carlo(self) -> None:
        """``kl``, where it is closed, agrees with an estimate from draws of the posterior."""
        closed = [
            self._require_kl(posterior, latent)
            for latent in self.latents
            for posterior in self._fitting(latent)
        ]
        if not any(closed):
            raise NotApplicable("there is no closed form: kl gives None")

    @torch.no_grad()
    def _require_kl(self, posterior: Posterior, latent: int) -> bool:
        """Check the KL of a few examples; False if it has no closed form."""
        model: Any = seeded(_case(self.component, posterior, latent)).eval()
        generator = torch.Generator().manual_seed(2)
        parameters = 0.7 * torch.randn(3, *posterior.encoder_output((latent,)), generator=generator)
        closed = model.prior.kl(model.family(parameters))
        if closed is None:
            return False
        _require_per_dimension(closed, latent)
        for row, one in enumerate(parameters):
            estimate, error = _estimated_kl(
                model.prior, model.family(one.expand(DRAWS, *one.shape))
            )
            kl = closed[row].sum().item()
            require(
                abs(kl - estimate) < ERRORS * error + 1e-3,
                f"{latent} latents, posterior {posterior.use}: kl gives {kl:.4f}, draws "
                f"{estimate:.4f} ± {error:.4f}",
            )
        return True

    def _fitting(self, latent: int) -> list[Posterior]:
        every = partners.own_posteriors() if self.posteriors is None else self.posteriors
        return [one for one in every if partners.fits(one, self.component, (latent,))]

    def _partner(self, latent: int) -> Posterior:
        return self.posterior or partners.posterior_of_prior(self.component, (latent,))

    def _density(self, latent: int) -> Density:
        module = self._module(latent)
        space = self._partner(latent).space((latent,))
        return Density(space, module.log_prob, module.sample)

    def _module(self, latent: int) -> Any:
        model: Any = seeded(_case(self.component, self._partner(latent), latent)).eval()
        module: object = model.prior
        require(
            isinstance(module, nn.Module),
            f"build returns a {type(module).__name__}, which is not an nn.Module",
        )
        return module


def _case(prior: Prior, posterior: Posterior, latent: int) -> Case:
    shape, space = posterior.encoder_output((latent,)), posterior.space((latent,))

    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        parameters = 0.7 * torch.randn(count, *shape, generator=generator)
        if space.levels:
            return torch.randint(space.levels, (count, latent), generator=generator), parameters
        return torch.randn(count, latent, generator=generator), parameters

    def build() -> VAE:
        # as part of a model, whose encoder the prior may look through
        seed = torch.initial_seed()
        return small_model(latent=latent, seed=seed, prior=prior, posterior=posterior)

    def call(model: Any, z: Tensor, parameters: Tensor) -> tuple[Tensor, ...]:
        q = model.family(parameters)
        log_prob = model.prior.log_prob(z if space.support in ("real", "code") else q.mean)
        closed = model.prior.kl(q)
        return log_prob, torch.zeros_like(log_prob) if closed is None else closed.sum(1)

    return Case(
        f"latent {latent}",
        build,
        inputs,
        call,
        outputs=((), ()),
        differentiable=(0,) if space.support == "real" else (),
        part="prior.",
    )


def _estimated_kl(module: Any, posterior: LatentDistribution) -> tuple[float, float]:
    """A mean of log q(z) − log p(z) over draws of q, one a row, and its standard error."""
    z = posterior.sample(torch.Generator().manual_seed(7))
    values = (posterior.log_prob(z) - module.log_prob(z)).double()
    return values.mean().item(), values.std().item() / len(values) ** 0.5


def _require_per_dimension(kl: Tensor, latent: int) -> None:
    require(
        kl.ndim == 2 and kl.shape[1] == latent,
        f"kl of (B, {latent}) is {tuple(kl.shape)}; return it for each dimension",
    )
