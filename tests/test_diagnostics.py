"""Findings, their errors, and how people see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vaezoo import diagnostics
from vaezoo.diagnostics import (
    CODES,
    Diagnostic,
    Position,
    Severity,
    Span,
    SpecError,
    VaezooError,
    describe,
    nearest,
    suggest,
)
from vaezoo.reporting import render


def at(source: object, line: int, first: int, last: int) -> Span:
    return Span(str(source), Position(line, first), Position(line, last))


def test_a_code_must_be_known() -> None:
    with pytest.raises(ValueError, match="VZ999"):
        Diagnostic("VZ999", "what is this")
    assert len(set(CODES.values())) == len(CODES)


def test_the_docstring_shows_the_whole_tree_of_errors() -> None:
    def tree(error: type[VaezooError]) -> list[type[VaezooError]]:
        return [error, *(below for child in error.__subclasses__() for below in tree(child))]

    for error in tree(VaezooError):
        line = next(x for x in (diagnostics.__doc__ or "").splitlines() if error.__name__ in x)
        assert f" {error.exit_code}" in line


def test_an_error_says_all_its_findings() -> None:
    error = SpecError(Diagnostic("VZ201", "one", at("f", 1, 2, 3)), Diagnostic("VZ202", "two"))
    assert str(error) == "f:1:2: error VZ201: one\nerror VZ202: two"
    with pytest.raises(ValueError, match="at least one"):
        SpecError()


def test_describe_ends_with_the_hint() -> None:
    assert describe(Diagnostic("VZ201", "m", hint="h")) == "error VZ201: m\n  help: h"


def test_nearest_looks_past_case_and_stays_silent_when_nothing_is_close() -> None:
    assert nearest("MLP", ["mlp", "conv"]) == "mlp"
    assert nearest("zzz", ["mlp", "conv"]) is None
    assert suggest("x", [], "metrics") == "metrics: none"


def test_carets_stand_below_wide_characters_and_tabs(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("名\t前: x\n", encoding="utf-8")
    lines = render([Diagnostic("VZ203", "m", at(path, 1, 5, 6))]).splitlines()
    assert lines[3] == " 1 | 名    前: x"[: len(lines[3])]
    assert lines[4].index("^") - lines[4].index("|") - 2 == 2 + 4 + 2 + 1


def test_a_long_line_is_clipped_around_the_caret(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a" * 5000 + "HERE" + "b" * 5000)
    lines = render([Diagnostic("VZ203", "m", at(path, 1, 5001, 5005))]).splitlines()
    assert max(map(len, lines[2:])) < 120
    start = lines[4].index("^")
    assert lines[3][start : start + 4] == "HERE"
    assert lines[4].endswith("^^^^")


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: |\n  text\n  more\nb: 1\n")
    span = Span(str(path), Position(1, 4), Position(4, 1))
    assert render([Diagnostic("VZ203", "m", span)]).splitlines()[-1].strip() == "|    ^"


@pytest.mark.parametrize("source", ["/no/such/file.yaml", "/", "nul\0"])
def test_a_source_that_is_gone_has_no_snippet(source: str) -> None:
    assert len(render([Diagnostic("VZ101", "m", at(source, 1, 1, 1))]).splitlines()) == 2


def test_a_file_that_became_shorter_has_no_snippet(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: 1\n")
    assert len(render([Diagnostic("VZ203", "m", at(path, 40, 1, 2))]).splitlines()) == 2


def test_nothing_in_a_spec_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: \x1b[31m\u202ered\n")
    found = Diagnostic("VZ103", "say \x1b[2J", at(path, 1, 4, 5), hint="\x07")
    shown = render([found])
    assert not any(bad in shown for bad in ("\x1b", "\u202e", "\x07"))


def test_colours_only_on_request() -> None:
    warning = Diagnostic("VZ402", "m", hint="h", severity=Severity.WARNING)
    assert render([warning]) == "warning[VZ402]: m\n  help: h"
    assert "\033[1;33mwarning[VZ402]" in render([warning], color=True)
