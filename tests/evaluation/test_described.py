"""Figures with what metrics and likelihoods say of them, also those of earlier entries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers import registry_with, small_spec, spec_data
from tests.runs.blobs_plugin import Blobs
from tests.runs.foreign_plugin import Cauchy
from vaezoo.evaluation.describe_figures import described
from vaezoo.registry import Figure, Metrics
from vaezoo.spec import from_data
from vaezoo.spec.lint import lint
from vaezoo.zoo.records import metrics_text, read_metrics

GREY = "none, pixels as stored in [0, 1]"


def figure(name: str, binarisation: str = GREY) -> Figure:
    return Figure(name, -1.0, "nats per example", "test", "bernoulli", binarisation, 10, 100)


def test_a_metric_of_the_spec_describes_its_figures() -> None:
    spec = small_spec(metrics=["elbo"])
    elbo, kl, other = described([figure("elbo"), figure("kl"), figure("x")], spec.metrics, spec)
    assert elbo.about is not None
    assert (elbo.about.better, elbo.role, elbo.label) == ("higher", "elbo", "ELBO")
    assert "no bound on log p(x)" in elbo.likelihood_caveat
    assert kl.likelihood_caveat == "", "the KL term holds no log p(x|z)"
    assert other.about is None


@pytest.mark.parametrize("binarisation", ["static, drawn once with seed 0", "dynamic"])
def test_black_and_white_pixels_have_no_caveat(binarisation: str) -> None:
    spec = small_spec(metrics=["elbo"])
    (elbo,) = described([figure("elbo", binarisation)], spec.metrics, spec)
    assert elbo.likelihood_caveat == ""


def test_a_record_keeps_the_description() -> None:
    spec = small_spec(metrics=["elbo", "importance_weighted"])
    figures = tuple(described([figure("elbo"), figure("iw_bound")], spec.metrics, spec))
    again = read_metrics(metrics_text(Metrics(figures)).encode())
    assert again.figures == figures
    assert again.of_role("bound") == figures[1]


def test_records_of_old_versions_match_by_name() -> None:
    data = json.loads(metrics_text(Metrics((figure("elbo"), figure("kl")))))
    for one in data["figures"]:
        del one["about"], one["likelihood_caveat"]
    old = read_metrics(json.dumps(data).encode())
    assert old.of_role("elbo") == figure("elbo")
    assert old.of_role("bound") is None


def test_a_failing_caveat_does_not_lose_the_figure() -> None:
    class Failing(Cauchy, use="failing"):
        """Says nothing."""

        def caveat(self, binary: bool) -> str:
            raise OSError("no text")

    data: dict[str, Any] = spec_data(model={"likelihood": "failing"}, metrics=["elbo"])
    spec = from_data(data, registry_with(Blobs, Failing))
    (elbo,) = described([figure("elbo")], spec.metrics, spec)
    assert elbo.likelihood_caveat == ""
    assert "VZ303" in [finding.code for finding in lint(spec)]
