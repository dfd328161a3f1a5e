"""Targets with another protocol, or out of reach."""

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


def test_an_elbo_is_not_a_target_of_a_beta_vae(found) -> None:
    (warning,) = found(target("test/elbo"), "loss.beta=4")
    assert warning.code == "VZ416"
    assert "test/elbo has β = 1, but the spec trains with β = 4" in warning.message
    assert warning.span.source.startswith("--set targets=")


@pytest.mark.parametrize("beta", ["1", "0.5", "2", "{linear: [0, 1], epochs: 10}"])
def test_a_beta_near_one_may_have_a_target_on_the_elbo(codes, beta: str) -> None:
    assert codes(target("test/elbo"), f"loss.beta={beta}") == []


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"likelihood": "bernoulli"}, "likelihood"),
        ({"binarisation": "dynamic"}, "binarisation"),
        ({"samples": 5000}, "samples"),
    ],
)
def test_the_protocol_of_a_target_is_compared(found, settings, key: str) -> None:
    (warning,) = found(target("test/elbo", **settings))
    assert warning.code == "VZ416"
    start = warning.span.start.column - 1
    assert warning.span.source[start:].startswith(json.dumps(settings[key]))


def test_a_target_of_the_same_protocol_gives_no_warning(codes) -> None:
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
def test_binarisation_is_compared_with_the_dataset(
    codes, known: str, binarisation: str, codes_
) -> None:
    dataset = f"dataset={{use: inks, known: {known}}}"
    written = target("test/elbo", binarisation=binarisation)
    assert codes(dataset, written, registry=registry_with(Inks)) == codes_


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
def test_a_target_out_of_reach_gives_a_warning(codes, metric: str, value: float, codes_) -> None:
    assert codes(target(metric, value), BERNOULLI, "ignore=[VZ412]") == codes_


def test_a_density_may_exceed_one(codes) -> None:
    assert codes(target("test/elbo", 105.59)) == []
    assert codes(target("test/reconstruction", -80.0)) == []
    assert codes(target("train/objective", -80.0)) == []


def test_a_wrong_sign_is_pointed_out(found) -> None:
    (warning,) = found(target("test/elbo", 105.59), BERNOULLI, "ignore=[VZ412]")
    assert "try -105.59" in warning.hint


def test_absent_fields_of_a_target_are_left_out(write, registry) -> None:
    from tests.spec.lint.conftest import QUIET

    plain = read(write(QUIET), overrides=[target("test/elbo")], registry=registry)
    fields = {"metric": "test/elbo", "value": -100.0, "tolerance": 1.0, "source": "a paper"}
    assert plain.canonical()["targets"] == [fields]
    written = read(write(QUIET), overrides=[target("test/elbo", samples=10)], registry=registry)
    assert written.canonical()["targets"] == [{**fields, "samples": 10}]
