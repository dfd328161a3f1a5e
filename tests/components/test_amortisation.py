"""The amortisation gap against closed forms: a linear-Gaussian VAE, whose best q is p(z|x)."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from tests.components.linear_gaussian import (
    LATENT,
    SCALE,
    context,
    exact_log_evidence,
    linear_gaussian,
)
from tests.helpers import built_in
from vaezoo.components.nets.amortisation import Fit, inference_gaps
from vaezoo.model import VAE
from vaezoo.registry import Figure, Split


def figures(model: VAE, *, count: int = 60, seed: int = 0, **fields: Any) -> dict[str, Figure]:
    metric = built_in("metric", "amortisation_gap", **fields)
    found = metric.compute(context(model.double(), count, seed=seed))
    return {figure.name: figure for figure in found}


def perturbed(model: VAE, shift: tuple[float, ...], stretch: tuple[float, ...]) -> float:
    """Move the encoder's mean by ``shift`` and multiply its variance; the gap that this makes.

    KL(N(m + δ, k s) ‖ N(m, s)) = ½ Σ (k + δ²/s − 1 − log k), the same for every image.
    """
    with torch.no_grad():
        variance = model.encoder.log_var.double().exp()
        delta, factor = (torch.tensor(v, dtype=torch.float64) for v in (shift, stretch))
        gap = 0.5 * (factor + delta**2 / variance - 1 - factor.log()).sum().item()
        # the mean is A (x − b): moving b by −A⁺ δ moves the mean by δ
        moved = torch.linalg.pinv(model.encoder.matrix.double()) @ delta
        model.encoder.shift.sub_(moved.to(model.encoder.shift.dtype))
        model.encoder.log_var.add_(factor.log().to(cast("Tensor", model.encoder.log_var).dtype))
    return gap


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "stretch"),
    [
        ((0.3, -0.5, 0.8), (1.0, 1.0, 1.0)),
        ((0.0, 0.0, 0.0), (3.0, 0.4, 0.9)),
        ((0.2, 0.4, -0.3), (2.0, 0.5, 1.0)),
    ],
)
def test_the_gap_of_a_perturbed_encoder_is_its_divergence(
    shift: tuple[float, ...], stretch: tuple[float, ...]
) -> None:
    model = linear_gaussian()
    expected = perturbed(model, shift, stretch)
    assert expected > 0.3
    found = figures(model, samples=400)["amortisation_gap"]
    assert found.standard_error is not None
    assert found.value == pytest.approx(expected, abs=4 * found.standard_error + 2e-3)
    assert found.standard_error < 0.05 * expected


def test_nothing_is_gained_over_the_exact_posterior_and_nothing_remains() -> None:
    found = figures(linear_gaussian(), samples=100)
    assert found["amortisation_gap"].value == pytest.approx(0, abs=1e-4)
    assert found["remaining_gap"].value == pytest.approx(0, abs=1e-4)


def test_a_prior_without_closed_form_has_the_same_gap() -> None:
    model = linear_gaussian(prior="open")
    expected = perturbed(model, (0.2, 0.4, -0.3), (2.0, 0.5, 1.0))
    found = figures(model, samples=400)["amortisation_gap"]
    assert found.value == pytest.approx(expected, rel=0.05)


def test_a_posterior_that_is_not_diagonal_has_an_approximation_gap() -> None:
    """Columns of W that are not orthogonal couple the latents: the best diagonal q has the inverse
    diagonal of the precision, and its gap is ½ (Σ log P_jj − log det P) for every image."""
    model = linear_gaussian().double()
    with torch.no_grad():
        weight = model.decoder.weight
        # so little that the importance weights keep a finite variance
        weight[:, 1] += 0.25 * weight[:, 0]
        precision = torch.eye(LATENT, dtype=torch.float64) + weight.T @ weight / SCALE**2
        approximation = 0.5 * (precision.diag().log().sum() - torch.logdet(precision)).item()
        covariance = torch.linalg.inv(precision)
        model.encoder.matrix.copy_(covariance @ weight.T / SCALE**2)
        model.encoder.log_var.copy_(covariance.diag().log())
        # the encoder has the marginal variances, not the best ones: that is its amortisation gap
        factor = covariance.diag() * precision.diag()
        amortisation = 0.5 * (factor - 1 - factor.log()).sum().item()
    assert approximation > 0.05
    found = figures(model, samples=4000, count=20)
    assert found["remaining_gap"].value == pytest.approx(approximation, abs=0.01)
    assert found["amortisation_gap"].value == pytest.approx(amortisation, abs=0.02)
    # both together lead from the encoder's ELBO to log p(x)
    images = context(model, 20).split.images
    elbo = built_in("metric", "elbo", samples=500)
    (bound, *_) = elbo.compute(context(model, 20))
    evidence = exact_log_evidence(model, images).mean().item()
    together = found["amortisation_gap"].value + found["remaining_gap"].value
    assert together == pytest.approx(evidence - bound.value, abs=0.05)


@pytest.mark.slow
def test_the_error_is_that_over_images() -> None:
    model = linear_gaussian()
    perturbed(model, (0.3, 0.0, 0.0), (1.0, 1.0, 1.0))
    with torch.no_grad():  # a mean that is the more wrong the brighter the image is
        model.encoder.matrix[0] *= 1.5
    found = figures(model, images=40)["amortisation_gap"]
    gaps = inference_gaps(context(model, 60), 40, Fit(300, 4, 0.05), 500).amortisation
    assert found.standard_error == pytest.approx(gaps.std().item() / math.sqrt(40), rel=1e-6)
    assert found.value == pytest.approx(gaps.mean().item(), rel=1e-6)


def test_the_images_are_spread_over_the_split_and_counted() -> None:
    model = linear_gaussian()
    few = figures(model, images=10, steps=2, samples=3)["amortisation_gap"]
    assert (few.examples, few.samples) == (10, 3)
    assert "images spread evenly over the split" in few.note
    assert "2 steps of Adam with 4 draws" in few.note
    assert figures(model, count=7, steps=2, samples=3)["remaining_gap"].examples == 7
    chosen = context(model, 60).split.images[torch.arange(10) * 6]
    alone = inference_gaps(
        context(model, 60, split=Split(chosen)), 10, Fit(2, 4, 0.05), 3
    ).amortisation.mean()
    assert few.value == pytest.approx(alone.item())


def test_progress_counts_the_whole_split() -> None:
    told: list[int] = []
    metric = built_in("metric", "amortisation_gap", images=300, steps=1, samples=2)
    metric.compute(context(linear_gaussian(), 750, advance=told.append))
    assert sum(told) == 750
    assert len(told) == 3  # of 128 images, 128 and 44


def test_the_seed_decides_and_nothing_of_the_model_changes() -> None:
    model = linear_gaussian()
    before = {name: value.clone() for name, value in model.double().state_dict().items()}
    first = figures(model, steps=5, seed=3)
    torch.rand(5)
    assert figures(model, steps=5, seed=3) == first
    other = figures(model, steps=5, seed=4)["amortisation_gap"].value
    assert other != first["amortisation_gap"].value
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
