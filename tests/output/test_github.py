"""Workflow commands and step summaries, read as GitHub's runner reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.output.findings import NASTY, at, many, nasty
from vaezoo.diagnostics import Diagnostic, Position, Related, Severity, Span
from vaezoo.diagnostics.output import Report, formatted
from vaezoo.diagnostics.output.github import MOST_ROWS, summary

ROOT = Path("/srv/tree")


def unescaped(text: str, further: tuple[tuple[str, str], ...] = ()) -> str:
    for written, meant in (("%0D", "\r"), ("%0A", "\n"), *further, ("%25", "%")):
        text = text.replace(written, meant)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The commands that a runner finds: (name, properties, message)."""
    found, token = [], None
    for line in text.split("\n"):
        match = re.match(r"\s*::([-\w]+)(?: ([^:]*))?::(.*)$", line)
        if not match:
            continue
        name, properties, message = match.groups()
        if token:
            token = None if name == token else token
        elif name == "stop-commands":
            token = message
        else:
            pairs = (pair.partition("=") for pair in (properties or "").split(",") if pair)
            ours = (("%3A", ":"), ("%2C", ","))
            values = {key: unescaped(value, ours) for key, _, value in pairs}
            found.append((name, values, unescaped(message)))
    return found


def written(report: Report) -> list[tuple[str, dict[str, str], str]]:
    return commands(formatted(report, "github", ROOT))


def test_an_annotation_has_place_title_message_and_hint() -> None:
    related = (Related("extended by b.yaml", at("/srv/tree/b.yaml", 2, 1, 3)),)
    place = at("/srv/tree/specs/a.yaml", 3, 5, 8)
    error = Diagnostic("VZ204", "too small", place, hint="more", related=related)
    properties = {
        "file": "specs/a.yaml",
        "line": "3",
        "endLine": "3",
        "col": "5",
        "endColumn": "7",
        "title": "VZ204 value not allowed",
    }
    message = "too small\nnote: extended by b.yaml: b.yaml:2\nhelp: more"
    assert written(Report({"a": (error,)})) == [("error", properties, message)]


def test_a_warning_is_one() -> None:
    warning = Diagnostic("VZ402", "m", severity=Severity.WARNING)
    title = {"title": "VZ402 settings contradict each other"}
    assert written(Report({"a": (warning,)})) == [("warning", title, "m")]


def test_several_lines_have_no_columns() -> None:
    span = Span("/srv/tree/a.yaml", Position(3, 5), Position(6, 2))
    ((_, properties, _),) = written(Report({"a": (Diagnostic("VZ204", "m", span),)}))
    assert properties.keys() == {"file", "line", "endLine", "title"}
    assert properties["endLine"] == "6"


def test_commands_of_ci_systems_are_escaped() -> None:
    found = written(nasty())
    assert {name for name, _, _ in found} == {"error", "warning"}
    assert len(found) == 6
    assert {properties.get("file") for _, properties, _ in found} >= {"/elsewhere/x.yaml", None}
    begin = NASTY[: NASTY.index("\x1b")]
    assert sum(begin in message for _, _, message in found) == 4
    named = [properties["file"] for _, properties, _ in found if "file" in properties]
    assert any(file.endswith("a, b:c%d.yaml") for file in named)
    assert "\x1b" not in formatted(nasty(), "github", ROOT)


@pytest.mark.parametrize("severity", Severity)
def test_ten_are_all_shown(severity: Severity) -> None:
    found = written(many(10, severity))
    assert [name for name, _, _ in found] == [severity.value] * 10
    assert {message for _, _, message in found} == {f"no. {number}" for number in range(10)}


def test_the_tenth_annotation_summarizes_the_rest() -> None:
    report = many(25)
    text = formatted(report, "github", ROOT)
    found = [command for command in commands(text) if command[0] == "error"]
    assert len(found) == 10
    first_left = report.diagnostics[9]
    _, properties, message = found[-1]
    assert properties["title"] == "16 more errors"
    assert first_left.span
    assert properties["line"] == str(first_left.span.start.line)
    assert (
        "16 more are in its log: 2.yaml (8), 1.yaml (8)" in message
        or "16 more are in its log: 1.yaml (8)" in message
    )
    shown = {message for _, _, message in found[:-1]}
    left = {finding.message for finding in report.diagnostics} - shown
    assert len(left) == 16
    assert all(f"]: {message}\n" in text for message in left)


def test_errors_do_not_take_the_place_of_warnings() -> None:
    both = {**many(12).files, "w.yaml": many(12, Severity.WARNING).files["0.yaml"]}
    names = [name for name, _, _ in written(Report(both))]
    assert (names.count("error"), names.count("warning")) == (10, 4)


def test_nothing_in_the_log_is_a_command(tmp_path: Path) -> None:
    """The findings beyond the tenth show lines of the spec, and a stranger wrote these."""
    path = tmp_path / "a.yaml"
    path.write_text("::add-mask::e\n" * 30)
    findings = tuple(
        Diagnostic("VZ203", "m\n::set-output name=x::y", at(path, n, 1, 2), hint="h\n::debug::z")
        for n in range(1, 30)
    )
    names = {name for name, _, _ in written(Report({"a": findings}))}
    assert names == {"error", "group", "endgroup"}


def test_the_token_is_new_each_time() -> None:
    tokens = {
        re.findall(r"::stop-commands::(\w{32})", formatted(many(12), "github", ROOT))[0]
        for _ in range(2)
    }
    assert len(tokens) == 2


def rows(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [line.strip("|").split("|") for line in lines]


def test_the_summary_is_a_table() -> None:
    text = summary(many(4), ROOT)
    assert text.startswith("### vaezoo validate\n\n4 errors in 3 of 3 specs\n\n| | place |")
    assert len(rows(text)) == 2 + 4
    assert text.endswith("\n")
    assert summary(Report({"a": ()}), ROOT) == "### vaezoo validate\n\n1 spec is valid\n"


def test_a_cell_holds_what_it_is_given() -> None:
    table = rows(summary(nasty(), ROOT))
    assert {len(row) for row in table[1:]} == {4}
    assert not any("<b>" in cell or "`" in cell for row in table for cell in row)


def test_the_summary_stays_below_its_limit() -> None:
    text = summary(many(2 * MOST_ROWS), ROOT)
    assert len(text.encode()) < 1 << 20
    assert f"… and {MOST_ROWS} more findings." in text
