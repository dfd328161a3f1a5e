"""The log-likelihood estimator of the Hyperspherical VAE code exceeds a valid bound."""

from __future__ import annotations

import json
import math

import flawed_estimator
import pytest
from torch import Tensor

from tests.components.linear_gaussian import context, linear_gaussian, normal_posterior
from vaezoo.evaluation.evaluate_entry import context_of
from vaezoo.zoo import find

RECORDED = json.loads(flawed_estimator.RESULT.read_text("utf-8"))


def standard_error(values: Tensor) -> float:
    return values.std().item() / math.sqrt(len(values))


def test_it_exceeds_the_evidence_where_the_bound_is_tight() -> None:
    # With the exact posterior, the ELBO and every draw of the bound equal log p(x). The mean of the
    # other's log 1/n Σ p(z) / q(z|x) is between −KL and 0 by Jensen's inequality, applied twice.
    model = linear_gaussian()
    images = context(model, 750).split.images
    found = flawed_estimator.gaps(model, images, samples=200)
    kl = model.prior.kl(normal_posterior(model, images.float() / 255)).sum(1).mean().item()
    bound, other = found["iw_bound"], found["flawed"]
    assert bound.mean().item() == pytest.approx(0, abs=4 * standard_error(bound))
    assert 4 * standard_error(other) < other.mean().item() < kl + 4 * standard_error(other)
    assert other.mean().item() > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("latent", [2, 20])
def test_the_gap_of_an_entry_is_the_recorded_one(latent: int) -> None:
    model = find(f"mnist_nvae{latent}").load()
    images = context_of(model, model.spec.dataset.build(), "test").split.images[:100]
    found = flawed_estimator.gaps(model, images, RECORDED["samples"], seed=1)
    for name, values in found.items():
        recorded = RECORDED["entries"][f"mnist_nvae{latent}"][name]
        assert values.mean().item() == pytest.approx(recorded, abs=5 * standard_error(values))
