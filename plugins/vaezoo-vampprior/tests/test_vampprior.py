"""The VampPrior: its density, samples, state, and the conformance kit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal
from vaezoo_vampprior import PseudoInputs, VampPrior

import vaezoo
from vaezoo import EvaluationContext
from vaezoo.components.posteriors import (
    DiagonalGaussianPosterior,
    FullCovariancePosterior,
    LaplacePosterior,
)
from vaezoo.registry import Posterior
from vaezoo.registry.module_contracts import LatentSpace
from vaezoo.testing import (
    PluginConformance,
    PriorConformance,
    VisualizerConformance,
    small_context,
    small_model,
)

ENTRY = Path(__file__).parents[1] / "zoo" / "mnist_vamp24"


class TestPlugin(PluginConformance):
    plugin = "vaezoo-vampprior"


class TestPrior(PriorConformance):
    component = VampPrior(components=7)


class TestPicture(VisualizerConformance):
    component = PseudoInputs(columns=3, rows=2)

    def context(
        self, image: Any = (1, 8, 8), latent: int = 2, **options: bool
    ) -> EvaluationContext:
        """The small context with a model whose pseudo-inputs do not fill the picture."""
        context = small_context(image, latent, **options)
        model = small_model(image, latent, prior=VampPrior(components=5)).eval()
        return replace(context, model=model, spec=model.spec)


def test_the_density_is_the_mixture_of_posteriors_of_the_pseudo_inputs() -> None:
    model = small_model(latent=3, prior=VampPrior(components=5)).double()
    z = 3 * torch.randn(11, 3, dtype=torch.float64)
    parts: Any = model.posterior(torch.sigmoid(cast("Any", model.prior).logits))
    normals = Independent(Normal(parts.mean, (0.5 * parts.log_var).exp()), 1)
    mixture = MixtureSameFamily(Categorical(torch.ones(5, dtype=torch.float64)), normals)
    torch.testing.assert_close(model.prior.log_prob(z), mixture.log_prob(z))


def test_a_grid_of_latents_is_that_many_latents() -> None:
    grid = small_model(latent=[2, 2, 2], prior=VampPrior(components=5)).double()
    mixture = cast("Any", grid.prior).mixture()
    assert mixture.mean.shape == (5, 2, 2, 2)
    z = 3 * torch.randn(11, 2, 2, 2, dtype=torch.float64)
    each = Normal(mixture.mean, (0.5 * mixture.log_var).exp()).log_prob(z[:, None])
    expected = torch.logsumexp(each.sum((2, 3, 4)), 1) - torch.log(torch.tensor(5.0).double())
    torch.testing.assert_close(grid.prior.log_prob(z), expected)
    assert grid.float().draw(6, torch.Generator().manual_seed(0)).shape == (6, 2, 2, 2)
    assert grid.sample(3).shape == (3, 1, 8, 8)


@pytest.mark.parametrize(
    ("posterior", "problem"),
    [
        (DiagonalGaussianPosterior(scale="softplus"), None),
        (LaplacePosterior(), "which the posterior laplace is not"),
        (FullCovariancePosterior(), "which the posterior full_covariance is not"),
    ],
)
def test_it_mixes_only_diagonal_gaussians(posterior: Posterior, problem: str | None) -> None:
    found = VampPrior().problem(posterior, LatentSpace((3,)))
    assert found is None if problem is None else problem in str(found)


def test_codes_are_refused() -> None:
    found = VampPrior().problem(DiagonalGaussianPosterior(), LatentSpace((3,), "code", 8))
    assert found == "it is for real latents, and the latents are code"


def test_the_density_is_accurate_for_narrow_posteriors() -> None:
    model = small_model(latent=3, prior=VampPrior(components=5))
    with torch.no_grad():
        model.encoder.head.layers[1].bias.fill_(-14)
        model.encoder.head.layers[0].bias.fill_(4)
        mixture = cast("Any", model.prior).mixture()
        z = mixture.mean + torch.exp(0.5 * mixture.log_var)
        exact = [row.double() for row in (z, mixture.mean, mixture.log_var)]
        squared = (exact[0][:, None] - exact[1]).square() / exact[2].exp()
        each = Normal(0.0, 1.0).log_prob(squared.sqrt()) - 0.5 * exact[2]
        expected = torch.logsumexp(each.sum(2), 1) - torch.log(torch.tensor(5.0))
        torch.testing.assert_close(
            model.prior.log_prob(z).double(), expected.double(), atol=1e-3, rtol=1e-4
        )


def test_the_state_holds_the_pseudo_inputs_and_no_encoder() -> None:
    state = small_model(prior=VampPrior(components=5)).state_dict()
    assert [name for name in state if name.startswith("prior.")] == ["prior.logits"]
    assert state["prior.logits"].shape == (5, 1, 8, 8)


def test_the_first_samples_do_not_depend_on_the_count() -> None:
    model = small_model(prior=VampPrior(components=5))
    torch.testing.assert_close(model.sample(200)[:10], model.sample(20)[:10])


def test_the_picture_needs_a_vampprior() -> None:
    context = small_context()
    assert PseudoInputs().problem(context.spec) == "the prior standard_normal has no pseudo-inputs"
    with pytest.raises(Exception, match="has no pseudo-inputs"):
        PseudoInputs().draw(context)


# built-in components may have changed since; verify checks the figures
@pytest.mark.filterwarnings("ignore:warning VZ306. vaezoo/components/")
def test_the_entry_loads_and_its_prior_is_a_mixture_of_fifty() -> None:
    model = vaezoo.load(ENTRY)
    assert cast("Any", model.prior).pseudo_inputs.shape == (50, 1, 28, 28)
    assert model.sample(4).shape == (4, 1, 28, 28)
