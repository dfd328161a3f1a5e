"""The schema and ``vaezoo validate`` agree, whatever a spec says."""

from __future__ import annotations

import copy
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import vaezoo.spec
from tests.spec.conftest import Write
from tests.spec.json_schema.conftest import errors
from tests.spec.json_schema.fitting import Fitting
from vaezoo.diagnostics import Diagnostic
from vaezoo.registry import Registry, discover
from vaezoo.spec.json_schema import schema
from vaezoo.spec.reader import examine
from vaezoo.system.yaml_writer import to_yaml

ROOT = Path(__file__).parents[3]
PROPERTY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
#: What a component's parameters say of each other is beyond the schema.
RELATIONS = ("nesterov needs a momentum",)


@pytest.fixture(scope="module", autouse=True)
def _what_validate_imports_is_imported() -> None:
    """Hypothesis draws constants from the modules that are loaded, so that one which came between
    two runs of an example would change it."""
    for module in pkgutil.walk_packages(vaezoo.spec.__path__, "vaezoo.spec."):
        importlib.import_module(module.name)
    for path in ROOT.glob("specs/**/*.yaml"):
        examine(path, registry=discover())
    examine(ROOT / "specs" / "fashion_mlp2.yaml", overrides=["train.epoch=1"], registry=discover())


@cache
def specs() -> st.SearchStrategy[Any]:
    return Fitting(schema(discover())).specs()


def schema_findings(write: Write, registry: Registry, data: Any) -> list[Diagnostic]:
    """What ``validate`` says of names, keys, types and ranges in a spec with this data."""
    # PyYAML's own writer leaves 0o0, a text to it and a number in YAML 1.2, without quotes
    path = write(to_yaml(data))
    return [
        finding
        for finding in examine(path, registry=registry).findings
        if finding.code < "VZ4" and not any(text in finding.message for text in RELATIONS)
    ]


@PROPERTY
@given(st.data())
def test_what_fits_the_schema_is_accepted(
    write: Write, registry: Registry, checker: Draft202012Validator, data: st.DataObject
) -> None:
    spec = data.draw(specs())
    assert errors(checker, spec) == [], "or the strategy draws something else"
    assert schema_findings(write, registry, spec) == []


JUNK = st.sampled_from(
    [
        None,
        True,
        "",
        "mlp",
        "1",
        -1,
        0,
        2.5,
        10**30,
        [],
        [0],
        ["elbo"],
        {},
        {"use": "mlp"},
        {"a": 1},
    ]
)


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list inside of data, with each of its keys or indices."""
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield data, key
            yield from places(data[key])


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A spec in which something may be wrong at one place."""
    spec = copy.deepcopy(draw(specs()))
    container, key = draw(st.sampled_from(list(places(spec))))
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "remove":
            del container[key]
        case "add" if isinstance(container, dict):
            container["extra"] = draw(JUNK)
        case _:
            container[key] = draw(JUNK)
    return spec


@settings(PROPERTY, max_examples=90)
@given(st.data())
def test_both_accept_or_both_refuse(
    write: Write, registry: Registry, checker: Draft202012Validator, data: st.DataObject
) -> None:
    spec = data.draw(spoilt())
    refused = schema_findings(write, registry, spec)
    event("refused" if refused else "accepted")
    assert bool(errors(checker, spec)) == bool(refused), refused


def less(draw: st.DrawFn, data: Any) -> Any:
    """A mapping without some of its keys, here and below; schedules and lists stay whole."""
    if not isinstance(data, dict) or ("epochs" in data and "optimizer" not in data):
        return data
    kept = draw(st.sets(st.sampled_from(sorted(data)))) if data else set()
    return {key: less(draw, value) for key, value in data.items() if key in kept}


@st.composite
def upper_layers(draw: st.DrawFn) -> Any:
    return {"extends": "base.yaml", **less(draw, draw(specs()))}


@PROPERTY
@given(st.data())
def test_any_part_of_a_spec_may_lie_over_a_base(
    checker: Draft202012Validator, data: st.DataObject
) -> None:
    assert errors(checker, data.draw(upper_layers())) == []
