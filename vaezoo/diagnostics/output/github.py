"""GitHub Actions: workflow commands that annotate a pull request, and the step's summary.

GitHub shows the first ten annotations of each severity in a step and drops the rest. The tenth
therefore summarizes the remaining findings, which follow in the log.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from vaezoo.diagnostics import CODES, Diagnostic, Severity
from vaezoo.diagnostics.output import locations
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.output.text import render
from vaezoo.diagnostics.printable import printable

#: The most annotations of one severity that GitHub shows for a step.
MOST_SHOWN = 10
#: The most rows in the summary, which may take 1 MiB.
MOST_ROWS = 500
_MOST_NAMED = 5


def report(found: Report, root: Path) -> str:
    """Workflow commands, one per line, then the remaining findings as text."""
    lines: list[str] = []
    left: list[Diagnostic] = []
    for severity in Severity:
        findings = [finding for finding in found.diagnostics if finding.severity is severity]
        many = len(findings) > MOST_SHOWN
        shown = MOST_SHOWN - 1 if many else MOST_SHOWN
        lines += [_annotation(finding, root) for finding in findings[:shown]]
        if many:
            lines.append(_remaining(findings[shown:], root))
            left += findings[shown:]
    if left:
        lines += _log(left)
    return "\n".join([*lines, found.summary()]) + "\n"


def summary(found: Report, root: Path) -> str:
    """The step's summary: a table of the findings, in Markdown."""
    lines = ["### vaezoo validate", "", _markdown(found.summary()), ""]
    if not found.diagnostics:
        return "\n".join(lines)
    lines += ["| | place | code | finding |", "| --- | --- | --- | --- |"]
    lines += [_row(finding, root) for finding in found.diagnostics[:MOST_ROWS]]
    more = len(found.diagnostics) - MOST_ROWS
    return "\n".join([*lines, "", *([f"… and {more:,} more findings.", ""] if more > 0 else [])])


def _annotation(finding: Diagnostic, root: Path) -> str:
    title = f"{finding.code} {CODES[finding.code]}"
    return _command(finding, title, _message(finding, root), root)


def _remaining(findings: list[Diagnostic], root: Path) -> str:
    """One annotation, at the first finding, for all that GitHub would not show."""
    noun = "errors" if findings[0].severity is Severity.ERROR else "warnings"
    files = Counter(_where(finding, root) for finding in findings)
    listed = [f"{file} ({count:,})" for file, count in files.most_common(_MOST_NAMED)]
    if len(files) > _MOST_NAMED:
        listed.append(f"{len(files) - _MOST_NAMED:,} more files")
    text = (
        f"GitHub shows {MOST_SHOWN} {noun} of a step; {len(findings):,} more are in its log: "
        f"{', '.join(listed)}."
    )
    first = _message(findings[0], root)
    return _command(findings[0], f"{len(findings):,} more {noun}", f"{text}\n{first}", root)


def _command(finding: Diagnostic, title: str, message: str, root: Path) -> str:
    properties: dict[str, str | int] = {}
    span = finding.span
    if span and not locations.is_argument(span):
        properties |= {"file": locations.path(span.source, root), "line": span.start.line}
        properties["endLine"] = span.end.line
        if span.start.line == span.end.line:  # GitHub takes columns within one line only
            properties["col"] = span.start.column
            properties["endColumn"] = max(span.start.column, span.end.column - 1)
    properties["title"] = title
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{finding.severity.value} {written}::{_data(message)}"


def _message(finding: Diagnostic, root: Path) -> str:
    span = finding.span
    argument = f"{span.source}: " if span and locations.is_argument(span) else ""
    lines = [argument + finding.message]
    for related in finding.related[:_MOST_NAMED]:
        place = f"{locations.path(related.span.source, root)}:{related.span.start.line}"
        lines.append(f"note: {related.message}: {place}")
    if len(finding.related) > _MOST_NAMED:
        lines.append(f"note: and {len(finding.related) - _MOST_NAMED:,} other places")
    return "\n".join([*lines, *([f"help: {finding.hint}"] if finding.hint else [])])


def _log(findings: list[Diagnostic]) -> Iterator[str]:
    """Findings as text, with workflow commands disabled."""
    token = secrets.token_hex(16)
    yield f"::group::{len(findings):,} findings without an annotation"
    yield f"::stop-commands::{token}"
    yield render(findings)
    yield f"::{token}::"
    yield "::endgroup::"


def _where(finding: Diagnostic, root: Path) -> str:
    return locations.path(finding.span.source, root) if finding.span else "no file"


def _row(finding: Diagnostic, root: Path) -> str:
    place = _where(finding, root)
    if finding.span and not locations.is_argument(finding.span):
        place += f":{finding.span.start.line}:{finding.span.start.column}"
    cells = (finding.severity.value, place, finding.code, _message(finding, root))
    return "| " + " | ".join(map(_markdown, cells)) + " |"


def _data(text: str) -> str:
    """Escape the message of a command."""
    text = printable(text, keep="\n")
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _markdown(text: str) -> str:
    """Literal text for a cell of a Markdown table."""
    lines = printable(text, keep="\n").split("\n")
    return "<br>".join(re.sub(r"([\\`*_{}\[\]#|<>&~@$])", _entity, line) for line in lines)


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
