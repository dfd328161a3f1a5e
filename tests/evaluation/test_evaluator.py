"""Figures against targets, and what a reader should not miss."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import small_spec
from vaezoo.diagnostics import SpecError
from vaezoo.evaluation import judge, named_latents, observations, unused_latents
from vaezoo.registry import EpochRecord, Figure


def figure(name: str, value: float, **changes: Any) -> Figure:
    fields: dict[str, Any] = {
        "unit": "nats per example",
        "split": "test",
        "likelihood": "bernoulli",
        "binarisation": "none",
        "samples": 10,
        "examples": 100,
    }
    return Figure(name, value, **{**fields, **changes})


def record(epoch: int, objective: float, elbo: float | None) -> EpochRecord:
    terms = {"objective": objective, "reconstruction": objective - 1, "kl": 1.0}
    validation = None if elbo is None else {**terms, "elbo": elbo}
    return EpochRecord(epoch, {**terms, "elbo": -objective}, validation, {}, 1e-3, 1.0, 1.0)


def spec_with(metric: str, value: float, tolerance: float, **changes: Any):
    target = {"metric": metric, "value": value, "tolerance": tolerance, "source": "a paper"}
    return small_spec(targets=[target], **changes)


@pytest.mark.parametrize(
    ("metric", "value", "better", "verdict"),
    [
        ("test/elbo", -100.0, "higher", "reproduced"),
        ("test/elbo", -101.5, "higher", "reproduced"),  # at the edge of the tolerance
        ("test/elbo", -98.5, "higher", "reproduced"),
        ("test/elbo", -101.6, "higher", "worse"),
        ("test/elbo", -98.4, "higher", "better"),
        ("test/active_units", 9.0, "higher", "worse"),
        ("test/active_units", 98.5, "higher", "reproduced"),
        ("test/reconstruction", 101.5, "lower", "reproduced"),
        ("test/reconstruction", 101.6, "lower", "worse"),
        ("test/reconstruction", 50.0, "lower", "better"),
    ],
)
def test_a_target_has_one_of_three_verdicts(
    metric: str, value: float, better: str, verdict: str
) -> None:
    name = metric.partition("/")[2]
    published = -100.0 if name == "elbo" else 100.0
    spec = spec_with(metric, published, 1.5)
    (result,) = judge(spec, [figure(name, value)], [])
    assert result == {
        "metric": metric,
        "value": published,
        "tolerance": 1.5,
        "source": "a paper",
        "figure": value,
        "better": better,
        "verdict": verdict,
        "note": "",
    }


def test_a_figure_that_is_not_finite_is_worse() -> None:
    for metric in ("test/elbo", "test/kl"):
        name = metric.partition("/")[2]
        (result,) = judge(spec_with(metric, 1.0, 1.0), [figure(name, float("nan"))], [])
        assert result["verdict"] == "worse"


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("train/objective", 90.0), ("validation/elbo", -95.0), ("validation/kl", 1.0)],
)
def test_training_figures_are_those_of_the_last_epoch(metric: str, expected: float) -> None:
    history = [record(1, 200.0, -210.0), record(2, 90.0, -95.0)]
    (result,) = judge(spec_with(metric, expected, 0.0), [], history)
    assert result["figure"] == expected
    assert result["verdict"] == "reproduced"


def test_a_target_without_a_figure_names_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"VZ402.*'test/kl'(.|\n)*did you mean 'test/klm'"):
        judge(spec_with("test/kl", 1.0, 0.0), [figure("klm", 1.0)], [])


def kl(*by_dimension: float) -> Figure:
    return figure("kl", sum(by_dimension), per_dimension=by_dimension)


def test_unused_latents_are_those_without_kl() -> None:
    assert unused_latents([figure("elbo", -1.0), kl(3.0, 0.009, 0.01, 0.0)]) == [1, 3]
    assert unused_latents([kl(3.0, 2.0)]) == []
    assert unused_latents([figure("kl", 0.0)]) == []  # no closed form: nothing is known


def test_latents_are_named_in_the_shorter_way() -> None:
    assert named_latents([1, 4], 10) == "z1, z4"
    assert named_latents([0, 1], 2) == "z0, z1"
    assert named_latents([0, 1, 3], 4) == "all but z2"
    assert named_latents(range(0, 100, 2), 100) == ""


def test_observations_are_empty_without_problems() -> None:
    assert observations(small_spec(), [kl(3.0, 2.0)], [], kept_epoch=3) == []


def test_observations_name_what_stands_out() -> None:
    stopping = {"epochs": 9, "early_stopping": {"patience": 2}}
    spec = spec_with("test/kl", 1.0, 0.5, train=stopping)
    found = [kl(3.0, 0.001)]
    notes = observations(spec, found, judge(spec, found, []), kept_epoch=4)
    assert notes == [
        "1 of 2 latent dimensions ended unused: z1 (less than 0.01 nats of KL on the test images)",
        "the target test/kl 1.0 ± 0.5 is not reproduced: 2.00 above (3.00 here)",
        "the weights are those of epoch 4, the best validation ELBO",
    ]


def test_a_figure_that_is_not_finite_is_named() -> None:
    notes = observations(small_spec(), [figure("elbo", float("nan"))], [], kept_epoch=3)
    assert notes == ["the figure test/elbo is nan"]
