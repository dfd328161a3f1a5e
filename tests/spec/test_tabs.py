"""Tabs where YAML 1.2 allows them, and where it does not."""

from __future__ import annotations

import pytest

from vaezoo.diagnostics import SpecError
from vaezoo.spec.document import parse_document

ALLOWED = {
    "a: 1\t# comment\n": {"a": 1},
    "a:\t1\n": {"a": 1},
    "a\t: 1\n": {"a": 1},
    "a: 1\t\n": {"a": 1},
    "a: 1 \t \nb: 2\n": {"a": 1, "b": 2},
    "a:\t\n  b: 1\n": {"a": {"b": 1}},
    "a:\n- \tx\n-\ty\n": {"a": ["x", "y"]},
    "a: [1,\t2\t]\t# c\n": {"a": [1, 2]},
    "a: {b:\t1,\tc: 2}\n": {"a": {"b": 1, "c": 2}},
    "a: x\ty\n": {"a": "x\ty"},
    'a: "x\ty"\t\n': {"a": "x\ty"},
    "a: 'x\ty'\t# c\n": {"a": "x\ty"},
    "a: |\t# c\n  x\ty\n": {"a": "x\ty\n"},
    "a: >-\t\n  x\n": {"a": "x"},
    "\t# comment\na: 1\n": {"a": 1},
    "a: 1\n\t\n  \t\nb: 2\n": {"a": 1, "b": 2},
    "a: 1\n \t# comment\nb: 2\n": {"a": 1, "b": 2},
    "a: x\t\n  y\n": {"a": "x y"},
    "---\t# c\na: 1\n": {"a": 1},
    "a: &x\t1\nb: *x\t\n": {"a": 1, "b": 1},
}
REFUSED = {
    "a:\n\tb: 1\n": (2, 1),
    "a:\n  b: 1\n\tc: 1\n": (3, 1),
    "a:\n\t- 1\n": (2, 1),
    "a: [\n\t1]\n": (2, 1),
    "a:\n  \tb: 1\n": (2, 3),
    "\ta: 1\n": (1, 1),
}


@pytest.mark.parametrize("text", ALLOWED)
def test_a_tab_may_stand_between_tokens(text: str) -> None:
    document, findings = parse_document(text, "spec.yaml")
    assert (document.data(), findings) == (ALLOWED[text], [])


@pytest.mark.parametrize("text", REFUSED)
def test_a_tab_cannot_indent(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_document(text, "spec.yaml")
    (finding,) = caught.value.diagnostics
    assert finding.span
    assert (finding.span.start.line, finding.span.start.column) == REFUSED[text]
    assert finding.message == "not valid YAML: indented with a tab"


def test_a_tab_behind_a_dash_begins_no_mapping() -> None:
    with pytest.raises(SpecError):
        parse_document("a:\n-\tb: 1\n", "spec.yaml")
