"""Findings, their errors, and how people see them."""

from __future__ import annotations

import pytest

from vaezoo.diagnostics import (
    CODES,
    Diagnostic,
    Position,
    Span,
    SpecError,
    VaezooError,
    describe,
    diagnostic,
    nearest,
    suggest,
)


def test_a_code_must_be_known() -> None:
    with pytest.raises(ValueError, match="VZ999"):
        Diagnostic("VZ999", "what is this")
    assert len(set(CODES.values())) == len(CODES)


def test_the_docstring_shows_the_whole_tree_of_errors() -> None:
    def tree(error: type[VaezooError]) -> list[type[VaezooError]]:
        return [error, *(below for child in error.__subclasses__() for below in tree(child))]

    for error in tree(VaezooError):
        line = next(x for x in (diagnostic.__doc__ or "").splitlines() if error.__name__ in x)
        assert f" {error.exit_code}" in line


def test_an_error_says_all_its_findings() -> None:
    error = SpecError(
        Diagnostic("VZ201", "one", Span("f", Position(1, 2), Position(1, 3))),
        Diagnostic("VZ202", "two"),
    )
    assert str(error) == "f:1:2: error VZ201: one\nerror VZ202: two"
    with pytest.raises(ValueError, match="at least one"):
        SpecError()


def test_describe_ends_with_the_hint() -> None:
    assert describe(Diagnostic("VZ201", "m", hint="h")) == "error VZ201: m\n  help: h"


def test_nearest_looks_past_case_and_stays_silent_when_nothing_is_close() -> None:
    assert nearest("MLP", ["mlp", "conv"]) == "mlp"
    assert nearest("zzz", ["mlp", "conv"]) is None
    assert suggest("x", [], "metrics") == "metrics: none"
