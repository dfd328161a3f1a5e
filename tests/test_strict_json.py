"""JSON that readers could understand in different ways is refused."""

from __future__ import annotations

import pytest

from vaezoo.system.strict_json import parse


def test_json_is_read() -> None:
    assert parse(b'{"a": [1, 2.5, null, "\\u00e4"]}') == {"a": [1, 2.5, None, "ä"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "duplicate key 'a'"),
        ("[NaN]", "NaN is not JSON"),
        ("-Infinity", "-Infinity is not JSON"),
        ("1e999", "too large for a float"),
        (r'"\ud800"', "surrogates not allowed"),
        (b'"\xff"', "can't decode byte"),
        ("1 2", "Extra data"),
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RecursionError):
        parse("[" * 10**6)
