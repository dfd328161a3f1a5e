"""Findings as people see them in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.output.findings import at
from vaezoo.diagnostics import Diagnostic, Position, Related, Severity, Span
from vaezoo.diagnostics.output import Report, formatted, render


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


def test_the_place_says_where_the_range_ends(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("abc: 1\n  more\n")
    several = Span(str(path), Position(1, 6), Position(2, 7))
    places = {
        f"{path}:1:1-3": at(path, 1, 1, 4),
        f"{path}:1:6": at(path, 1, 6, 7),
        f"{path}:1:1": at(path, 1, 1, 1),
        f"{path}:1:6-2:6": several,
    }
    for place, span in places.items():
        assert render([Diagnostic("VZ203", "m", span)]).splitlines()[1] == f"  --> {place}"


def test_other_places_are_named_up_to_a_few() -> None:
    related = tuple(Related(f"extended by {n}", at(f"{n}.yaml", 3, 1, 2)) for n in "abcde")
    few = render([Diagnostic("VZ203", "m", related=related[:3])]).splitlines()
    assert few[1:] == [f"  note: extended by {n}: {n}.yaml:3:1" for n in "abc"]
    many = render([Diagnostic("VZ203", "m", related=related)]).splitlines()
    assert many[1:] == [*few[1:], "  note: and 2 other places"]


def test_a_report_ends_with_a_summary() -> None:
    error = Diagnostic("VZ203", "m")
    warning = Diagnostic("VZ402", "w", severity=Severity.WARNING)
    summaries: dict[str, dict[str, tuple[Diagnostic, ...]]] = {
        "1 spec is valid": {"a": ()},
        "2 specs are valid": {"a": (), "b": ()},
        "2 specs are valid, with 1 warning": {"a": (warning,), "b": ()},
        "1 error in 1 of 2 specs": {"a": (error,), "b": ()},
        "1 error and 1 warning in 1 of 1 spec": {"a": (error, warning)},
    }
    for summary, files in summaries.items():
        assert formatted(Report(files), "text").splitlines()[-1] == summary
