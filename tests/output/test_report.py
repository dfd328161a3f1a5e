"""Findings counted, ordered and put together."""

from __future__ import annotations

from dataclasses import replace

from tests.output.findings import at
from vaezoo.diagnostics import Diagnostic, Related, Severity
from vaezoo.diagnostics.output import Report

ERROR = Diagnostic("VZ203", "m", at("b.yaml", 9, 1, 2))
WARNING = Diagnostic("VZ402", "w", at("a.yaml", 2, 1, 2), severity=Severity.WARNING)


def test_findings_are_sorted_by_file_line_and_column() -> None:
    places = [("a", 1, 1), ("a", 2, 1), ("a", 2, 5), ("a", 10, 1), ("b", 1, 1)]
    findings = [Diagnostic("VZ203", "m", at(file, line, first, 9)) for file, line, first in places]
    assert Report({"x": tuple(reversed(findings))}).diagnostics == tuple(findings)


def test_a_finding_in_a_shared_base_is_one_and_names_all_heirs() -> None:
    heirs = [Related("extended by", at(f"{n}.yaml", 1, 1, 2)) for n in "abc"]
    files: dict[str, tuple[Diagnostic, ...]] = {
        heir.span.source: (replace(ERROR, related=(heir,)),) for heir in heirs
    }
    report = Report(files)
    assert report.diagnostics == (replace(ERROR, related=tuple(heirs)),)
    assert (report.errors, report.invalid) == (1, 3)


def test_strict_makes_warnings_errors() -> None:
    report = Report({"a.yaml": (WARNING,), "b.yaml": ()})
    assert (report.errors, report.warnings, report.invalid) == (0, 1, 0)
    strict = report.strict()
    assert (strict.errors, strict.warnings, strict.invalid) == (1, 0, 1)
    assert strict.diagnostics == (replace(WARNING, severity=Severity.ERROR),)
