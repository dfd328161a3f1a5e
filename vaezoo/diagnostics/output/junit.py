"""JUnit XML, which GitLab, Jenkins and others show as tests: each spec is one."""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from vaezoo.diagnostics import Diagnostic, Severity
from vaezoo.diagnostics.output import locations
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.output.text import render
from vaezoo.diagnostics.printable import printable

#: Characters that XML 1.0 forbids, even as references.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(found: Report, root: Path) -> str:
    """One suite with a test for each spec; a spec's errors are one failure, its warnings output.

    Readers of JUnit's format agree on a test with one failure, not on one with several.
    """
    counts = f'tests="{len(found.files)}" failures="{found.invalid}" errors="0" skipped="0"'
    cases = [_case(file, its, root) for file, its in sorted(found.files.items())]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites name="vaezoo" {counts}>',
        f'  <testsuite name="vaezoo validate" {counts}>',
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(file: str, found: tuple[Diagnostic, ...], root: Path) -> str:
    name = _attribute(locations.path(file, root))
    start = f'    <testcase name={name} classname="vaezoo.validate" file={name}'
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    warnings = [finding for finding in found if finding.severity is Severity.WARNING]
    if not found:
        return f"{start}/>"
    parts = [f"{start}>"]
    if errors:
        more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
        message = _attribute(f"{errors[0].message}{more}")
        kind = _attribute(errors[0].code)
        parts.append(f"      <failure message={message} type={kind}>{_text(errors)}</failure>")
    if warnings:
        parts.append(f"      <system-out>{_text(warnings)}</system-out>")
    return "\n".join([*parts, "    </testcase>"])


def _text(findings: list[Diagnostic]) -> str:
    return escape(_legal(render(findings)))


def _attribute(text: str) -> str:
    return quoteattr(_legal(printable(text)))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
