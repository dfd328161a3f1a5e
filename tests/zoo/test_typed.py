"""JSON data against types: what fits is kept as it is, what does not is said with its place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pytest

from vaezoo.system.typed_json import typed


@dataclass(frozen=True)
class Point:
    x: float
    labels: tuple[str, ...] = ()
    side: Literal["left", "right"] | None = None


class Row(TypedDict):
    point: Point
    counts: dict[str, int]


def test_what_fits_is_kept() -> None:
    row = {"point": {"x": 1, "labels": ["a"]}, "counts": {"n": 3}, "more": [None]}
    expected = {"point": Point(1, ("a",)), "counts": {"n": 3}, "more": [None]}
    assert typed(row, Row) == expected
    assert type(typed({"x": 1}, Point).x) is int
    assert math.isnan(typed({"x": None}, Point).x)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("1", int, "it is a text, not a whole number"),
        (True, int, "it is true or false, not a whole number"),
        (True, float, "it is true or false, not a number"),
        (2**63, float, "it is too large"),
        ({"x": "1"}, Point, "x is a text, not a number"),
        ({"x": 1.0, "y": 2.0}, Point, "y is unknown"),
        ({}, Point, "x is missing"),
        ({"x": 1.0, "labels": "ab"}, Point, "labels is a text, not a list"),
        ({"x": 1.0, "labels": ["a", 1]}, Point, r"labels\[1\] is a whole number, not a text"),
        ({"x": 1.0, "side": "top"}, Point, "side is not one of left, right"),
        ({"point": {"x": 1.0}}, Row, "counts is missing"),
        ({"point": {"x": []}, "counts": {}}, Row, r"point\.x is a list"),
        ({"point": {"x": 1.0}, "counts": {"n": 1.5}}, Row, r"counts\.n is a number"),
        (None, str, "it is null, not a text"),
        ([], dict[str, Any], "it is a list, not an object"),
    ],
)
def test_type_errors_have_a_location(value: Any, kind: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        typed(value, kind)
