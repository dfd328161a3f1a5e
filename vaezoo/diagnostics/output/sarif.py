"""SARIF 2.1.0, which GitHub's code scanning and other viewers read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import CODES, Diagnostic, Severity, Span
from vaezoo.diagnostics.output import locations
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.printable import in_json

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
#: Base of relative URIs: the checkout.
_ROOT = "SRCROOT"
#: Line breaks of our positions (``diagnostics.LINE_BREAK``).
_LINE_BREAKS = ["\r\n", "\n", "\r", "\x85", "\u2028", "\u2029"]


def report(found: Report, root: Path) -> str:
    """A log with one run: the rules that were broken, and a result for each finding."""
    rules = sorted({finding.code for finding in found.diagnostics})
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [{"executionSuccessful": True}],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "The root of the repository that holds the specs."}}
        },
        "columnKind": "unicodeCodePoints",
        "newlineSequences": _LINE_BREAKS,
        "results": [_result(finding, rules, root) for finding in found.diagnostics],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return in_json(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def _driver(rules: list[str]) -> dict[str, Any]:
    version = metadata.version("vaezoo")
    return {"name": "vaezoo", "version": version, "rules": [_rule(code) for code in rules]}


def _rule(code: str) -> dict[str, Any]:
    title = CODES[code]
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in title.replace("-", " ").split()),
        "shortDescription": {"text": f"{title[0].upper()}{title[1:]}"},
    }


def _result(finding: Diagnostic, rules: list[str], root: Path) -> dict[str, Any]:
    text = finding.message
    if finding.hint:
        text += f"\nhelp: {finding.hint}"
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rules.index(finding.code),
        "level": "error" if finding.severity is Severity.ERROR else "warning",
        "message": {"text": text},
    }
    if finding.span:
        result["locations"] = [_location(finding.span, root)]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": one.message}, **_location(one.span, root)}
            for number, one in enumerate(finding.related, start=1)
        ]
    return result


def _location(span: Span, root: Path) -> dict[str, Any]:
    if locations.is_argument(span):
        name = span.source
        return {"logicalLocations": [{"name": name, "fullyQualifiedName": name}]}
    region = {
        "startLine": span.start.line,
        "startColumn": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    }
    return {
        "physicalLocation": {"artifactLocation": _artifact(span.source, root), "region": region}
    }


def _artifact(source: str, root: Path) -> dict[str, str]:
    relative = locations.relative(source, root)
    if relative is None:
        return {"uri": locations.absolute_uri(source)}
    return {"uri": locations.uri(relative), "uriBaseId": _ROOT}
