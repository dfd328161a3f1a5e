"""Findings that make it hard for a format."""

from __future__ import annotations

from vaezoo.diagnostics import Diagnostic, Position, Related, Severity, Span
from vaezoo.diagnostics.output import Report


def at(source: object, line: int, first: int, last: int) -> Span:
    """A place within one line."""
    return Span(str(source), Position(line, first), Position(line, last))


NASTY = "50% <b>`x`</b> | a, b: c\n::error::\x1b[31m\x00 ]]> &amp; \ud800 \ufffe 名 😀"


def nasty() -> Report:
    """Every field of a finding, with characters that mean something to some format."""
    place = at("a, b:c%d.yaml", 2, 3, 7)
    lines = Span("a, b:c%d.yaml", Position(2, 3), Position(4, 1))
    related = (Related(NASTY, at("other.yaml", 1, 1, 2)), Related("set", at("--set a=1", 1, 7, 8)))
    return Report(
        {
            "good.yaml": (),
            "a, b:c%d.yaml": (
                Diagnostic("VZ203", NASTY, place, hint=NASTY, related=related),
                Diagnostic("VZ402", NASTY, lines, severity=Severity.WARNING),
                Diagnostic("VZ204", NASTY, at("--set a=1", 1, 7, 8)),
                Diagnostic("VZ203", NASTY),
            ),
            "bytes\udcff.yaml": (Diagnostic("VZ101", "gone", at("bytes\udcff.yaml", 1, 1, 1)),),
            "/elsewhere/x.yaml": (Diagnostic("VZ101", "gone", at("/elsewhere/x.yaml", 1, 1, 1)),),
        }
    )


def many(count: int, severity: Severity = Severity.ERROR) -> Report:
    """So many findings in three specs."""
    files: dict[str, tuple[Diagnostic, ...]] = {"0.yaml": (), "1.yaml": (), "2.yaml": ()}
    for number in range(count):
        file = f"{number % 3}.yaml"
        finding = Diagnostic(
            "VZ203", f"no. {number}", at(file, number + 1, 1, 4), severity=severity
        )
        files[file] += (finding,)
    return Report(files)
