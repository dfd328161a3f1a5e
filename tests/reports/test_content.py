"""Prose: marks in a template, literal values."""

from hypothesis import given
from hypothesis import strategies as st

from vaezoo.reports.blocks import Code, Math, PlainText, Strong, plain, prose, text_of


def test_marks_make_code_formulas_and_strong_text():
    line = prose(r"a `b` **c** $\beta$ d")
    assert line == (
        PlainText("a "),
        Code("b"),
        PlainText(" "),
        Strong("c"),
        PlainText(" "),
        Math(r"\beta"),
        PlainText(" d"),
    )


@given(st.text())
def test_values_are_not_parsed(value):
    assert text_of(prose("<{it}>", it=value)) == f"<{value}>"
    assert text_of(prose("`{it}` **{it}**", it=value)) == f"{value} {value}"


def test_prose_can_contain_prose():
    inner = prose("$x$ of {it}", it="`{}`")
    assert prose("with {inner}.", inner=inner) == (
        PlainText("with "),
        Math("x"),
        PlainText(" of "),
        PlainText("`{}`"),
        PlainText("."),
    )
    assert plain(()) == ()
    assert plain(3) == (PlainText("3"),)
