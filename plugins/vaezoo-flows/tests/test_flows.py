"""The flows: their densities, and the conformance kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from vaezoo_flows import IAFPosterior, MAFPrior, MixturePrior, PlanarPosterior, RealNVPPrior

from vaezoo import Batch, LatentSpace, Posterior, Prior
from vaezoo.testing import (
    PluginConformance,
    PosteriorConformance,
    PriorConformance,
    require_exact_resume,
    small_model,
    small_spec,
)


class TestPlugin(PluginConformance):
    plugin = "vaezoo-flows"


class TestPlanar(PosteriorConformance):
    component = PlanarPosterior(layers=3)


class TestIAF(PosteriorConformance):
    component = IAFPosterior(steps=2, hidden=(16,), context=3)


class TestMixture(PriorConformance):
    component = MixturePrior(components=3)


class TestRealNVP(PriorConformance):
    component = RealNVPPrior(steps=2, hidden=(16,))


class TestMAF(PriorConformance):
    component = MAFPrior(steps=2, hidden=(16,))


@pytest.mark.parametrize(
    "posterior",
    [PlanarPosterior(layers=4), IAFPosterior(steps=3, hidden=(16,), context=3)],
    ids=lambda posterior: posterior.use,
)
def test_the_density_of_a_draw_is_that_of_the_same_point(posterior: Posterior) -> None:
    """The known density of a draw equals the one by inversion, and the Jacobian's determinant."""
    torch.manual_seed(0)
    module: Any = posterior.build((3,))
    module.double()
    parameters = torch.randn(4, *posterior.encoder_output((3,)), dtype=torch.float64)
    q = module(parameters)
    z = q.sample(torch.Generator().manual_seed(1))
    torch.testing.assert_close(q.log_prob(z), q.log_prob(z.clone()), rtol=1e-6, atol=1e-6)

    flow: Any = module(parameters[:1])._flow

    def image(start: Tensor) -> Tensor:
        found: Tensor = flow.forward_with_log_det(start[None])[0][0]
        return found

    start = torch.randn(3, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(image, start)
    log_det = flow.forward_with_log_det(start[None])[1][0]
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet)


def test_an_autoregressive_step_depends_on_the_latents_before_it() -> None:
    torch.manual_seed(0)
    module = IAFPosterior(steps=1, hidden=(128,), context=2).build((4,))
    parameters = torch.randn(1, 10)
    flow = module(parameters)._flow  # type: ignore[attr-defined]
    jacobian = torch.autograd.functional.jacobian(
        lambda z: flow.forward_with_log_det(z[None])[0][0], torch.randn(4)
    )
    assert torch.equal(jacobian, jacobian.tril())
    assert jacobian.tril(-1).count_nonzero() == 6


def test_the_mixture_is_that_of_torch() -> None:
    torch.manual_seed(0)
    module: Any = MixturePrior(components=4).build(LatentSpace((2, 3)))
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    normals = Independent(Normal(module.means, (0.5 * module.log_vars).exp()), 1)
    expected = MixtureSameFamily(Categorical(logits=module.logits), normals)
    z = torch.randn(7, 2, 3, dtype=torch.float64)
    torch.testing.assert_close(module.log_prob(z), expected.log_prob(z.flatten(1)))


@pytest.mark.parametrize("prior", [RealNVPPrior(), MAFPrior()], ids=lambda prior: prior.use)
def test_a_prior_learns_two_moons_better_than_a_gaussian(prior: Prior) -> None:
    """Maximum likelihood on points of two half circles."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(2)
    angle = torch.rand(2000, generator=generator) * torch.pi
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
    points = torch.cat([upper, lower]) + 0.1 * torch.randn(4000, 2, generator=generator)
    points = (points - points.mean(0)) / points.std(0)
    gaussian = torch.distributions.MultivariateNormal(torch.zeros(2), points.T.cov())
    module = prior.build(LatentSpace((2,)))
    assert isinstance(module, torch.nn.Module)
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for _ in range(200):
        loss = -module.log_prob(points).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert -loss.item() > gaussian.log_prob(points).mean().item() + 0.3


@pytest.mark.parametrize("samples", [1, 3])
def test_a_model_with_both_has_a_finite_bound(samples: int) -> None:
    model = small_model(
        latent=3, posterior=IAFPosterior(hidden=(8,), context=2), prior=MAFPrior(hidden=(8,))
    )
    trace = model.trace(
        Batch(torch.rand(5, 1, 8, 8)), torch.Generator().manual_seed(0), samples=samples
    )
    assert not trace.has_closed_kl
    (trace.reconstruction + trace.kl).mean().backward()
    assert trace.log_weights.shape == (samples, 5)
    assert trace.log_weights.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(
    "parts",
    [
        {"posterior": PlanarPosterior(layers=3)},
        {"posterior": IAFPosterior(hidden=(8,), context=2), "prior": MAFPrior(hidden=(8,))},
        {"prior": RealNVPPrior(hidden=(8,))},
        {"prior": MixturePrior(components=3)},
    ],
)
def test_a_stopped_run_resumes_to_the_same_bytes(parts: dict[str, Any], tmp_path: Path) -> None:
    require_exact_resume(small_spec(latent=3, epochs=3, **parts), tmp_path)
