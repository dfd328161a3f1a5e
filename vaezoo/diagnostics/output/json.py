"""JSON for programs: one object in a versioned format (see docs/ci.md).

Adding a key keeps the version; removing a key or changing its meaning increments it.
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import CODES, Diagnostic, Position, Severity, Span
from vaezoo.diagnostics.output.locations import is_argument
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.printable import in_json

VERSION = 1


def report(found: Report, _root: Path) -> str:
    """The report as indented JSON, with paths as they were given."""
    data = {
        "version": VERSION,
        "tool": {"name": "vaezoo", "version": metadata.version("vaezoo")},
        "summary": {
            "specs": len(found.files),
            "invalid": found.invalid,
            "errors": found.errors,
            "warnings": found.warnings,
        },
        "specs": [_spec(file, its) for file, its in sorted(found.files.items())],
        "findings": [_finding(finding) for finding in found.diagnostics],
    }
    return in_json(json.dumps(data, indent=2, ensure_ascii=False)) + "\n"


def _spec(file: str, found: tuple[Diagnostic, ...]) -> dict[str, Any]:
    errors = sum(finding.severity is Severity.ERROR for finding in found)
    return {"file": file, "errors": errors, "warnings": len(found) - errors}


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {
        "code": finding.code,
        "title": CODES[finding.code],
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "place": _place(finding.span),
        "related": [{"message": r.message, "place": _place(r.span)} for r in finding.related],
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    typed = is_argument(span)
    return {
        "file": None if typed else span.source,
        "argument": span.source if typed else None,
        "start": _position(span.start),
        "end": _position(span.end),
    }


def _position(position: Position) -> dict[str, int]:
    return {"line": position.line, "column": position.column}
