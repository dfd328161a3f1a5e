"""libyaml and PyYAML in Python give the same nodes, places and findings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vaezoo.diagnostics import SpecError
from vaezoo.spec import compose, yaml_events

TESTS = Path(__file__).parent.parent
FILES = [*(TESTS.parent / "specs").rglob("*.yaml"), *(TESTS / "bad_specs").glob("*.yaml")]
TEXTS = [path.read_bytes().decode("utf-8", "replace") for path in sorted(FILES)]
SMALL = [text for text in TEXTS if len(text) < 3000]
# fmt: off
#: What YAML is made of, and what its readers stumble over.
PIECES = st.sampled_from([
    "\n", "\r", "\r\n", "\x85", "\u2028", "\t", " ", "  ", "\xa0", "\ufeff",
    "- ", "? ", ":", ": ", " #", "[", "]", "{", "}", ",", "|", ">+", "|2-", "|#",
    "&a ", "*a", "<<: *a", "!", "!!str ", "%YAML 1.1\n", "---", "...",
    "'", '"', "''", '""', "\\", "\\n", "\\x41", "@", "`",
    "~", "null", "0o1", "a: b", "\n  x", "\n- y", "é", "名", "😀",
])
# fmt: on
needs_both = pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml here")


def outcome(text: str) -> str:
    """Everything that reading a text gives."""
    try:
        return repr(compose.compose(text, "f"))
    except SpecError as error:
        return repr(error.diagnostics)


def both(text: str) -> tuple[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_events, "_FAST", None)
        slow = outcome(text)
    return outcome(text), slow


@needs_both
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_specs_read_the_same(path: Path) -> None:
    fast, slow = both(path.read_bytes().decode("utf-8", "replace"))
    assert fast == slow


@needs_both
@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
@example("a: {b: ,c}")
@example("a: [\t]")
@example("---")
@example("|2#")
@example("a: |")
@example("k : \n")
@example('"\\ud800": 1')
@example("!'!''")
def test_any_text_reads_the_same(text: str) -> None:
    fast, slow = both(text)
    assert fast == slow


@needs_both
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), PIECES), max_size=3),
)
def test_broken_specs_read_the_same(text: str, changes: list[tuple[float, int, str]]) -> None:
    for where, cut, piece in changes:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + cut :]
    fast, slow = both(text)
    assert fast == slow


@needs_both
def test_ordinary_specs_are_read_by_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"read slowly: {text}")

    monkeypatch.setattr(yaml_events, "_PLAIN", refuse)
    shipped = (TESTS.parent / "specs").rglob("*.yaml")
    assert all(compose.compose(path.read_text("utf-8"), "f")[0] for path in shipped)


@pytest.mark.parametrize("fast", [yaml_events._FAST, None], ids=["libyaml", "python"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: {b: , c: 1}", "f:1:7"),
        ("a: {b:\n , c: 1}", "f:1:7"),
        ("a: {b: # x\n }", "f:1:7"),
        ("a: {'b' : }", "f:1:10"),
    ],
)
def test_a_missing_value_is_located_after_the_colon(
    text: str, place: str, fast: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_events, "_FAST", fast)
    root, _ = compose.compose(text, "f")
    assert root
    inner = root.child("a")
    assert inner
    value = inner.child("b")
    assert value
    assert str(value.span) == place
