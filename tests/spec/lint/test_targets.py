"""Targets that measure something else, or that nothing can reach."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.helpers import registry_with
from tests.spec.lint.test_objective import BERNOULLI, Inks
from vaezoo.spec import read


def target(metric: str, value: float = -100.0, source: str = "a paper", **more: Any) -> str:
    fields = {"metric": metric, "value": value, "tolerance": 1.0, "source": source, **more}
    return f"targets=[{json.dumps(fields)}]"


def test_an_elbo_is_no_target_of_a_beta_vae(found) -> None:
    (warning,) = found(target("test/elbo"), "loss.beta=4")
    assert warning.code == "VZ416"
    assert "test/elbo is taken with β = 1, and the spec trains for β = 4" in warning.message
    assert warning.span.source.startswith("--set targets=")


@pytest.mark.parametrize("beta", ["1", "0.5", "2", "{linear: [0, 1], epochs: 10}"])
def test_a_beta_near_one_may_have_a_target_on_the_elbo(codes, beta: str) -> None:
    assert codes(target("test/elbo"), f"loss.beta={beta}") == []


@pytest.mark.parametrize(
    ("changes", "codes_"),
    [
        (("loss.beta=1",), []),
        (("loss.beta=2",), ["VZ416"]),
        (("loss.free_bits=0.1",), ["VZ416"]),
        (("loss.beta={linear: [0, 1], epochs: 10}",), []),
        (("loss.beta={linear: [0, 1], epochs: 30}",), ["VZ416"]),  # moves in the last epoch
    ],
)
def test_an_objective_is_no_elbo_but_for_weights_of_one(codes, changes, codes_) -> None:
    named = target("train/objective", 100.0, "table 2, negative ELBO")
    assert codes(named, *changes) == codes_
    assert codes(target("train/objective", 100.0, "table 2, loss"), *changes) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("0.43 bits/dim, table 1", "D·ln 2 = 543.43"),
        ("2.1 bits per dimension", "D·ln 2"),
        ("a paper, binarized MNIST", "same pixels"),
        ("a paper, statically binarised MNIST", "same pixels"),
        ("IWAE, 50 samples", "one draw"),
        ("importance-weighted bound", "one draw"),
    ],
)
def test_words_of_the_source_give_another_protocol_away(found, source: str, said: str) -> None:
    (warning,) = found(target("test/elbo", source=source))
    assert warning.code == "VZ416"
    assert said in warning.hint


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"likelihood": "bernoulli"}, "likelihood"),
        ({"binarisation": "dynamic"}, "binarisation"),
        ({"samples": 5000}, "samples"),
    ],
)
def test_what_a_target_says_of_itself_is_compared(found, settings, key: str) -> None:
    (warning,) = found(target("test/elbo", **settings))
    assert warning.code == "VZ416"
    start = warning.span.start.column - 1
    assert warning.span.source[start:].startswith(json.dumps(settings[key]))


def test_a_target_of_the_same_protocol_is_fine(codes) -> None:
    same: Any = {"likelihood": "gaussian", "binarisation": "none"}
    assert codes(target("test/elbo", samples=10, **same)) == []
    assert codes(target("train/elbo", samples=1, **same)) == []
    assert codes(target("test/active_units", 3.0, samples=77)) == []


@pytest.mark.parametrize(
    ("known", "binarisation", "codes_"),
    [
        ("true", "static", []),
        ("true", "none", []),
        ("true", "dynamic", ["VZ416"]),
        ("false", "static", ["VZ416"]),
        ("null", "static", []),
    ],
)
def test_binarisation_is_compared_with_what_the_dataset_says(
    codes, known: str, binarisation: str, codes_
) -> None:
    dataset = f"dataset={{use: inks, known: {known}}}"
    said = target("test/elbo", binarisation=binarisation)
    assert codes(dataset, said, registry=registry_with(Inks)) == codes_


@pytest.mark.parametrize(
    ("metric", "value", "codes_"),
    [
        ("test/elbo", 105.59, ["VZ417"]),
        ("test/elbo", 0.9, []),  # within its tolerance of 0
        ("test/elbo", -105.59, []),
        ("test/reconstruction", -80.0, ["VZ417"]),
        ("train/objective", -105.0, ["VZ417"]),
        ("test/kl", -3.0, ["VZ417"]),
        ("test/active_units", 14.0, ["VZ417"]),
        ("test/active_units", 13.0, []),
        ("test/active_units", 12.0, []),
    ],
)
def test_what_no_run_can_reach_is_doubted(codes, metric: str, value: float, codes_) -> None:
    assert codes(target(metric, value), BERNOULLI, "ignore=[VZ412]") == codes_


def test_a_density_may_exceed_one(codes) -> None:
    assert codes(target("test/elbo", 105.59)) == []
    assert codes(target("test/reconstruction", -80.0)) == []
    assert codes(target("train/objective", -80.0)) == []


def test_a_wrong_sign_is_turned(found) -> None:
    (warning,) = found(target("test/elbo", 105.59), BERNOULLI, "ignore=[VZ412]")
    assert "turn the sign, -105.59" in warning.hint


def test_a_target_that_says_nothing_more_reads_as_before(write, registry) -> None:
    from tests.spec.lint.conftest import QUIET

    plain = read(write(QUIET), overrides=[target("test/elbo")], registry=registry)
    fields = {"metric": "test/elbo", "value": -100.0, "tolerance": 1.0, "source": "a paper"}
    assert plain.canonical()["targets"] == [fields]
    said = read(write(QUIET), overrides=[target("test/elbo", samples=10)], registry=registry)
    assert said.canonical()["targets"] == [{**fields, "samples": 10}]
