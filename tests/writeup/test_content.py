"""Prose: marks in a template, values as they are."""

from hypothesis import given
from hypothesis import strategies as st

from vaezoo.writeup.content import Code, Math, Strong, Words, plain, prose, text_of


def test_marks_make_code_formulas_and_strong_text():
    line = prose(r"a `b` **c** $\beta$ d")
    assert line == (
        Words("a "),
        Code("b"),
        Words(" "),
        Strong("c"),
        Words(" "),
        Math(r"\beta"),
        Words(" d"),
    )


@given(st.text())
def test_a_value_is_taken_as_it_is(value):
    assert text_of(prose("<{it}>", it=value)) == f"<{value}>"
    assert text_of(prose("`{it}` **{it}**", it=value)) == f"{value} {value}"


def test_prose_stands_in_prose():
    inner = prose("$x$ of {it}", it="`{}`")
    assert prose("with {inner}.", inner=inner) == (
        Words("with "),
        Math("x"),
        Words(" of "),
        Words("`{}`"),
        Words("."),
    )
    assert plain(()) == ()
    assert plain(3) == (Words("3"),)
