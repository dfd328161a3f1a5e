"""The topologies: their joint densities, and the conformance kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from vaezoo_ladder import LadderTopology, TopDownTopology
from vaezoo_ladder.top_down import _product

from vaezoo import Batch, Topology
from vaezoo.model import DiagonalGaussian
from vaezoo.testing import (
    PluginConformance,
    TopologyConformance,
    require_exact_resume,
    small_model,
    small_spec,
)

LADDER = LadderTopology(layers=(3, 2), hidden=(8,))
TOP_DOWN = TopDownTopology(layers=(3, 2), hidden=(8,), features=9)
CHAIN = TopDownTopology(layers=(3, 2), hidden=(8,), features=9, skip=False)
EACH = pytest.mark.parametrize(
    "topology", [LADDER, TOP_DOWN, CHAIN], ids=["ladder", "top_down", "top_down without skip"]
)


class TestPlugin(PluginConformance):
    plugin = "vaezoo-ladder"


class TestLadder(TopologyConformance):
    component = LADDER


class TestTopDown(TopologyConformance):
    component = TOP_DOWN


class TestTopDownWithoutSkip(TopologyConformance):
    component = CHAIN


@EACH
def test_there_is_a_site_for_each_layer(topology: Topology) -> None:
    model = small_model(latent=4, topology=topology)
    trace = model.trace(Batch(torch.rand(5, 1, 8, 8)), torch.Generator().manual_seed(0), samples=2)
    assert [(site.name, site.z.shape) for site in trace.sites] == [
        ("z1", (10, 4)),
        ("z2", (10, 3)),
        ("z3", (10, 2)),
    ]
    assert trace.log_weights.shape == (2, 5)


def test_the_bottom_up_kl_is_estimated_where_the_prior_depends_on_the_draw() -> None:
    """Given z₂, a closed KL(q(z₁|x) || p(z₁|z₂)) is not the KL: z₂ was drawn given z₁."""
    model = small_model(latent=4, topology=LADDER)
    batch = Batch(torch.rand(3, 1, 8, 8))
    trace = model.trace(batch, torch.Generator().manual_seed(0), samples=20_000)
    by_draw = (trace.log_q - trace.log_p).double()
    error = by_draw.std(0) / len(by_draw) ** 0.5
    assert ((trace.kl - by_draw.mean(0)).abs() < 5 * error).all()
    first = trace.sites[0]
    closed = first.prior.kl(first.posterior)
    assert closed is not None
    top = trace.sites[-1].closed_kl
    assert top is not None
    wrong = closed.sum(1).view(20_000, 3).mean(0)
    right = (first.log_q - first.log_p).view(20_000, 3).mean(0)
    assert (wrong - right).abs().max() > 0.01


def test_the_posterior_of_a_layer_is_the_product_of_two_gaussians() -> None:
    torch.manual_seed(0)
    one, other = (DiagonalGaussian(torch.randn(4, 3), torch.randn(4, 3)) for _ in range(2))
    found = _product(one, other)
    precision = (-one.log_var).exp() + (-other.log_var).exp()
    mean = (one.mean * (-one.log_var).exp() + other.mean * (-other.log_var).exp()) / precision
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(found.log_var, -precision.log())


def test_the_top_down_kl_is_closed_given_the_layers_above() -> None:
    model = small_model(latent=4, topology=TOP_DOWN)
    trace = model.trace(Batch(torch.rand(5, 1, 8, 8)), torch.Generator().manual_seed(0))
    for site in trace.sites[:-1]:
        q, p = site.posterior, site.prior
        assert isinstance(q, DiagonalGaussian)
        assert isinstance(p, DiagonalGaussian)
        normals = [Normal(one.mean, (0.5 * one.log_var).exp()) for one in (q, p)]
        torch.testing.assert_close(site.kl(1), kl_divergence(*normals), rtol=1e-4, atol=1e-5)


def test_a_grid_or_codes_are_refused() -> None:
    assert "vector" in (LADDER.problem(small_model().spec.model.posterior, (4, 7, 7)) or "")


@pytest.mark.parametrize("parts", [{"topology": each} for each in (LADDER, TOP_DOWN)])
def test_a_stopped_run_resumes_to_the_same_bytes(parts: dict[str, Any], tmp_path: Path) -> None:
    require_exact_resume(small_spec(latent=4, epochs=3, **parts), tmp_path)
