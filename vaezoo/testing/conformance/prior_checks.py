"""Checks of priors: density, draws and KL divergence agree."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaezoo.model import VAE, Posterior
from vaezoo.registry import Prior
from vaezoo.testing.conformance import integrals
from vaezoo.testing.conformance.description_checks import require_definition
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance, seeded
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.tiny_models import small_model

_DRAWS = 40_000
#: Tolerance in standard errors. All draws are seeded.
_ERRORS = 5


class PriorConformance(NetworkConformance):
    """``class TestMine(PriorConformance): component = Mine(components=3)``.

    The prior is built in a small model, once for each number of ``latents``.
    """

    kind: ClassVar[str] = "prior"
    component: Prior
    latents: tuple[int, ...] = (2, 1, 16)

    def cases(self) -> list[Case]:
        return [_case(self.component, latent) for latent in self.latents]

    def test_draws(self) -> None:
        """``sample`` returns (count, latent) and draws only from its generator."""
        for latent in self.latents:
            module = self._module(latent)
            before = torch.get_rng_state()
            first, again = (_sample(module, 7) for _ in range(2))
            require(
                first.shape == (7, latent) and first.dtype == torch.float32,
                f"7 draws of {latent} latents are {tuple(first.shape)} in {first.dtype}",
            )
            require(torch.equal(first, again), "two generators with one seed give two samples")
            require(
                torch.equal(before, torch.get_rng_state()),
                "it draws from torch's global generator; use the argument ``generator``",
            )

    def test_density_integrates_to_one(self) -> None:
        """exp(log_prob) integrates to 1, in one and two dimensions."""
        for latent in (1, 2):
            module = self._module(latent)
            total = _integral(module, _sample(module, 2000))
            require(
                abs(total - 1) < 0.01,
                f"in {latent} dimension{'s' if latent > 1 else ''} the density integrates to "
                f"{total:.4f}, expected 1",
            )

    def test_draws_follow_the_density(self) -> None:
        """In one dimension, draws follow log_prob (Kolmogorov–Smirnov test)."""
        module = self._module(1)
        draws = _sample(module, _DRAWS).squeeze(1).sort().values
        grid = integrals.line(draws.median().item(), draws.std().item())
        with torch.no_grad():
            below = integrals.cumulative(grid, module.log_prob(grid.points.float()[:, None]))
        expected = torch.arange(1, _DRAWS + 1, dtype=torch.float64) / _DRAWS
        distance = float((below(draws) - expected).abs().max())
        require(
            distance < 2.5 / _DRAWS**0.5,
            f"the distribution of {_DRAWS:,} draws differs by {distance:.3f} from log_prob",
        )

    def test_description(self) -> None:
        """``formula`` renders in a report, and ``is_factorial`` agrees with the density."""
        require_definition(self.component.formula(2))
        if not self.component.is_factorial:
            return
        module = self._module(2)
        one, other = _sample(module, 200).chunk(2)
        crossed = torch.stack([one[:, 0], other[:, 1]], 1), torch.stack([other[:, 0], one[:, 1]], 1)
        with torch.no_grad():
            straight = module.log_prob(one) + module.log_prob(other)
            apart = (straight - sum(map(module.log_prob, crossed))).abs().max().item()
        require(
            apart < 1e-3 * straight.abs().max().item() + 1e-4,
            f"is_factorial is true, but log p(z) differs from a sum over latents by {apart:.3g}",
        )

    def test_kl_against_monte_carlo(self) -> None:
        """``kl``, unless None, agrees with an estimate from draws of the posterior."""
        for latent in self.latents:
            module = self._module(latent)
            posterior = _posterior(latent)
            with torch.no_grad():
                closed = module.kl(posterior.mean, posterior.log_var)
                if closed is None:
                    raise NotApplicable("kl has no closed form: it returns None")
                _require_per_dimension(closed, latent)
                for row in range(len(posterior.mean)):
                    estimate, error = _estimated_kl(module, posterior, row)
                    kl = closed[row].sum().item()
                    require(
                        abs(kl - estimate) < _ERRORS * error + 1e-3,
                        f"{latent} latents: kl gives {kl:.4f}, draws {estimate:.4f} ± {error:.4f}",
                    )

    def _module(self, latent: int) -> Any:
        module: object = self._model(latent).prior
        require(
            isinstance(module, nn.Module), f"build returns {module!r}, which is not an nn.Module"
        )
        return module

    def _model(self, latent: int) -> Any:
        return seeded(_case(self.component, latent)).eval()


def _case(prior: Prior, latent: int) -> Case:
    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        z, mean, log_var = torch.randn(3, count, latent, generator=generator)
        return z, mean, 0.5 * log_var

    def build() -> VAE:
        # in a model: the prior may use its encoder
        return small_model(latent=latent, seed=torch.initial_seed(), prior=prior)

    def call(model: Any, z: Tensor, mean: Tensor, log_var: Tensor) -> tuple[Tensor, ...]:
        closed = model.prior.kl(mean, log_var)
        total = torch.zeros_like(z[:, 0]) if closed is None else closed.sum(1)
        return model.prior.log_prob(z), total

    return Case(
        f"latent {latent}",
        build,
        inputs,
        call,
        outputs=((), ()),
        differentiable=(0,),
        part="prior.",
    )


def _sample(module: Any, count: int) -> Tensor:
    with torch.no_grad():
        draws: Tensor = module.sample(count, torch.Generator().manual_seed(9))
    return draws


def _posterior(latent: int) -> Posterior:
    generator = torch.Generator().manual_seed(2)
    mean, log_var = torch.randn(2, 3, latent, generator=generator)
    return Posterior(mean, 0.5 * log_var - 0.5)


def _estimated_kl(module: Any, posterior: Posterior, row: int) -> tuple[float, float]:
    """The mean of log q(z) − log p(z) over draws of q, and its standard error."""
    mean, log_var = (value[row].expand(_DRAWS, -1) for value in (posterior.mean, posterior.log_var))
    one = Posterior(mean, log_var)
    z = one.sample(torch.Generator().manual_seed(row))
    values = (one.log_prob(z) - module.log_prob(z)).double()
    return values.mean().item(), values.std().item() / _DRAWS**0.5


def _require_per_dimension(kl: Tensor, latent: int) -> None:
    require(
        kl.ndim == 2 and kl.shape[1] == latent,
        f"kl of (B, {latent}) is {tuple(kl.shape)}; return it for each dimension",
    )


@torch.no_grad()
def _integral(module: Any, draws: Tensor) -> float:
    """∫ exp(log_prob) over the line or the plane, on a grid around the draws."""
    points_a_side = 20_001 if draws.shape[1] == 1 else 701
    grids = [
        integrals.line(column.mean().item(), column.std().item(), points_a_side)
        for column in draws.T
    ]
    z = torch.cartesian_prod(*(grid.points for grid in grids)).view(-1, len(grids)).float()
    log_weights = sum(
        part.log() for part in torch.meshgrid(*(grid.weights for grid in grids), indexing="ij")
    )
    log_density = torch.cat([module.log_prob(part) for part in z.split(100_000)])
    return float((log_density.double() + torch.as_tensor(log_weights).flatten()).exp().sum())
