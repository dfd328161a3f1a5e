"""The findings of ``validate``, by spec."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from vaezoo.diagnostics import Diagnostic, Position, Related, Severity, Span


@dataclass(frozen=True)
class Report:
    """The findings of each validated spec."""

    files: dict[str, tuple[Diagnostic, ...]]

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings without duplicates, by file and line.

        An error in a base is one finding; ``related`` has the location in each spec that
        extends it.
        """
        related: dict[Diagnostic, dict[Related, None]] = {}
        for found in self.files.values():
            for finding in found:
                alone = replace(finding, related=()) if finding.related else finding
                related.setdefault(alone, {}).update(dict.fromkeys(finding.related))
        merged = (replace(alone, related=tuple(r)) if r else alone for alone, r in related.items())
        return in_order(merged)

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.diagnostics)

    @property
    def warnings(self) -> int:
        """How many of the findings are warnings."""
        return len(self.diagnostics) - self.errors

    @property
    def invalid(self) -> int:
        """The number of specs with errors."""
        return sum(
            any(finding.severity is Severity.ERROR for finding in found)
            for found in self.files.values()
        )

    def strict(self) -> Report:
        """The same findings with warnings as errors."""
        return Report(
            {
                file: tuple(replace(finding, severity=Severity.ERROR) for finding in found)
                for file, found in self.files.items()
            }
        )

    def summary(self) -> str:
        """One line: how many findings in how many specs."""
        total = _count(len(self.files), "spec")
        warnings = _count(self.warnings, "warning")
        if self.errors:
            also = f" and {warnings}" if self.warnings else ""
            return f"{_count(self.errors, 'error')}{also} in {self.invalid:,} of {total}"
        valid = f"{total} {'is' if len(self.files) == 1 else 'are'} valid"
        return f"{valid}, with {warnings}" if self.warnings else valid


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_order(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Findings by file, line and column."""
    return tuple(sorted(findings, key=_order))


def _order(finding: Diagnostic) -> tuple[str, Position, str, str]:
    span = finding.span or Span("", Position(1, 1), Position(1, 1))
    return span.source, span.start, finding.code, finding.message
