"""Posteriors: density, draws, moments and gradients agree with each other."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vaezoo.model import VAE, LatentDistribution
from vaezoo.registry import Batch, Posterior, Prior
from vaezoo.registry.module_contracts import Shape
from vaezoo.testing.conformance import partners
from vaezoo.testing.conformance.density_checks import (
    Density,
    require_draws_follow,
    require_joint_draws,
    require_normalized,
    require_own_generator,
)
from vaezoo.testing.conformance.description_checks import require_definition
from vaezoo.testing.conformance.distribution_checks import (
    require_entropy,
    require_gradient,
    require_independent_latents,
    require_moments,
    require_normal,
)
from vaezoo.testing.conformance.network_checks import Case, NetworkConformance, seeded
from vaezoo.testing.conformance.outcome import NotApplicable, require
from vaezoo.testing.conformance.tiny_models import SMALL, small_model

LATENTS: tuple[Shape, ...] = ((2,), (1,), (16,), (3, 2, 2))
_BATCH = 5


class PosteriorConformance(NetworkConformance):
    """``class TestMine(PosteriorConformance): component = Mine()``.

    ``latents`` are the shapes to try; those that ``shape_problem`` refuses are left out, but one
    must remain. ``prior`` is that of a small model, by default the first that fits.
    """

    kind: ClassVar[str] = "posterior"
    component: Posterior
    latents: tuple[Shape, ...] = LATENTS
    prior: Prior | None = None

    def cases(self) -> list[Case]:
        return [_case(self.component, latent) for latent in self._shapes()]

    def test_distribution(self) -> None:
        """Mean, draws, densities, features and penalties have the promised shape and type."""
        for latent in self._shapes():
            module, q = self._distribution(latent)
            require(
                isinstance(q, LatentDistribution),
                f"the module gives {type(q).__name__}, not a vaezoo.LatentDistribution",
            )
            z = q.sample(torch.Generator().manual_seed(1))
            number = torch.float32 if self._space(latent).support == "real" else z.dtype
            features = self.component.decoder_input(latent)
            _require("mean", q.mean, (_BATCH, *latent), number)
            _require("a sample", z, (_BATCH, *latent), number)
            _require("log_prob", q.log_prob(z), (_BATCH,))
            _require("features", q.features(z), (_BATCH, *features))
            _require("the family's features", module.features(z), (_BATCH, *features))
            for name in ("variance", "entropy"):
                if getattr(q, name) is not None:
                    _require(name, getattr(q, name), (_BATCH, *latent))
            for name, penalty in q.penalties().items():
                _require(f"the penalty {name!r}", penalty, (_BATCH,))
            for name, value in q.parameters().items():
                require(name.isidentifier(), f"parameters gives the name {name!r}")
                require(len(value) == _BATCH, f"the parameter {name!r} has {len(value)} rows")
            for name, value in q.extremes().items():
                require(isinstance(value, float), f"extremes gives {value!r} for {name!r}")

    def test_draws(self) -> None:
        """Draws come from the generator that is given, and from nothing else."""
        for latent in self._shapes():
            require_own_generator(self._density(latent))

    def test_density_integrates_to_one(self) -> None:
        """exp(log_prob) integrates to 1 over one latent and two, or sums to 1 over codes."""
        for latent in self._vectors(1, 2):
            for seed in range(3):
                require_normalized(self._density(latent, seed))

    def test_draws_follow_the_density(self) -> None:
        """Draws of one latent are distributed as log_prob says; those of two depend as it says."""
        for latent in self._vectors(1, 2):
            density = self._density(latent)
            if latent == (1,) or not density.is_real:
                require_draws_follow(density)
            else:
                require_joint_draws(density)

    def test_entropy_against_monte_carlo(self) -> None:
        """``entropy``, where it is given, agrees with draws."""
        given = [require_entropy(self._density(latent), q) for latent, q in self._single_rows()]
        if not any(given):
            raise NotApplicable("entropy is None: the KL is estimated from draws")

    def test_variance_against_monte_carlo(self) -> None:
        """``variance``, where it is given, and then ``mean``, agree with draws."""
        given = [require_moments(self._density(latent), q) for latent, q in self._single_rows()]
        if not any(given):
            raise NotApplicable("variance is None")

    def test_gradients_against_finite_differences(self) -> None:
        """The gradient of log_prob, and that of draws where they have one, in float64."""
        latent = self._shapes()[0]
        module = self._module(latent).double()
        parameters = _parameters(self.component, latent, 1).double()
        with torch.no_grad():
            z = module(parameters).sample(torch.Generator().manual_seed(1)).detach()
        require_gradient("log_prob", lambda values: module(values).log_prob(z), parameters)

        def draw(values: Tensor) -> Tensor:
            drawn: Tensor = module(values).sample(torch.Generator().manual_seed(1))
            return drawn

        if draw(parameters.clone().requires_grad_()).requires_grad:
            require_gradient("a sample", draw, parameters)

    def test_what_it_says_of_itself(self) -> None:
        """``formula`` can be set in a report; ``is_factorial`` and ``is_normal`` are true."""
        require_definition(self.component.formula(2))
        (latent,) = self._vectors(2)
        if self.component.is_factorial:
            require_independent_latents(self._density(latent))
        if self.component.is_normal:
            require_normal(self._distribution(latent)[1])

    def test_trains_in_a_model(self) -> None:
        """With ``prior`` in a model, the ELBO is finite, and encoder and family have gradients."""
        latent = self._shapes()[0]
        model = self._model(latent).train()
        images = torch.rand(_BATCH, *SMALL, generator=torch.Generator().manual_seed(4))
        trace = model.trace(Batch(images), torch.Generator().manual_seed(5))
        objective = trace.reconstruction + trace.kl
        if trace.penalty is not None:
            objective = objective + trace.penalty
        _require("the negative ELBO", objective, (_BATCH,))
        objective.mean().backward()
        for part in ("encoder", "family"):
            gradients = [p.grad for p in getattr(model, part).parameters() if p.requires_grad]
            reached = any(g is not None and bool(g.any()) for g in gradients)
            require(reached or not gradients, f"the ELBO has no gradient in the {part}")
            finite = all(g is None or bool(g.isfinite().all()) for g in gradients)
            require(finite, f"the ELBO's gradient in the {part} is not finite")

    def _shapes(self) -> list[Shape]:
        problems = {latent: self.component.shape_problem(latent) for latent in self.latents}
        usable = [latent for latent, problem in problems.items() if problem is None]
        refused = "; ".join(f"{latent}: {why}" for latent, why in problems.items() if why)
        require(usable, f"it takes none of the latents: {refused}; set `latents`")
        return usable

    def _vectors(self, *sizes: int) -> list[Shape]:
        """Vectors of so many latents, if it has them."""
        usable: list[Shape] = [
            (size,) for size in sizes if self.component.shape_problem((size,)) is None
        ]
        if not usable:
            raise NotApplicable(f"it has no vectors of {' or '.join(map(str, sizes))} latents")
        return usable

    def _single_rows(self) -> list[tuple[Shape, LatentDistribution]]:
        """A distribution of one example for each shape."""
        return [
            (latent, self._module(latent)(_parameters(self.component, latent, 1)))
            for latent in self._shapes()
        ]

    def _distribution(self, latent: Shape) -> tuple[Any, Any]:
        module = self._module(latent)
        return module, module(_parameters(self.component, latent, _BATCH))

    def _density(self, latent: Shape, seed: int = 0) -> Density:
        """The distribution of one example, whose parameters are drawn by the seed."""
        module = self._module(latent)
        one = _parameters(self.component, latent, 1, seed)

        def of(count: int) -> LatentDistribution:
            found: LatentDistribution = module(one.expand(count, *one.shape[1:]))
            return found

        return Density(
            self._space(latent),
            lambda z: of(len(z)).log_prob(z),
            lambda count, generator: of(count).sample(generator),
        )

    def _module(self, latent: Shape) -> Any:
        return seeded(_case(self.component, latent)).eval()

    def _model(self, latent: Shape) -> VAE:
        prior = self.prior or partners.prior_of(self.component, self._space(latent))
        return small_model(latent=list(latent), posterior=self.component, prior=prior)

    def _space(self, latent: Shape) -> Any:
        return self.component.space(latent)


def _case(posterior: Posterior, latent: Shape) -> Case:
    is_real = posterior.space(latent).support == "real"
    output, features = posterior.encoder_output(latent), posterior.decoder_input(latent)

    def inputs(count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        z = torch.randn(count, *latent, generator=generator)
        return 0.7 * torch.randn(count, *output, generator=generator), z

    def build() -> nn.Module:
        module: Any = posterior.build(latent)
        return module  # type: ignore[no-any-return]

    def call(module: Any, parameters: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        q = module(parameters)
        value = z if is_real else q.mean  # its density is finite, whatever the support
        penalties = [torch.zeros(len(z), device=z.device), *q.penalties().values()]
        return q.log_prob(value), q.features(value), torch.stack(penalties).sum(0)

    return Case(
        f"latent {latent}",
        build,
        inputs,
        call,
        outputs=((), features, ()),
        differentiable=(0,),
    )


def _parameters(posterior: Posterior, latent: Shape, count: int, seed: int = 0) -> Tensor:
    """Parameters (count, *output) of moderate size, as encoders give them."""
    generator = torch.Generator().manual_seed(seed)
    return 0.7 * torch.randn(count, *posterior.encoder_output(latent), generator=generator)


def _require(
    what: str, value: object, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> None:
    """Raise Nonconforming for what is not a finite tensor of that shape and type."""
    __tracebackhide__ = True
    if not isinstance(value, Tensor):
        require(False, f"{what} is {value!r}, not a tensor")
        return
    require(
        tuple(value.shape) == shape and value.dtype == dtype,
        f"{what} is {tuple(value.shape)} in {value.dtype}, expected {shape} in {dtype}",
    )
    require(value.isfinite().all(), f"{what} is not finite")
