"""JSON for programs."""

from __future__ import annotations

import json
from importlib import metadata

from tests.output.findings import at, nasty
from vaezoo.diagnostics import Diagnostic, Related
from vaezoo.diagnostics.output import Report, formatted


def test_the_shape_is_the_documented_one() -> None:
    place = at("a.yaml", 3, 5, 8)
    related = (Related("set here", at("--set a=1", 1, 7, 8)),)
    found = Diagnostic("VZ204", "too small", place, hint="more", related=related)
    report = Report({"b.yaml": (), "a.yaml": (found, Diagnostic("VZ303", "broken"))})
    assert json.loads(formatted(report, "json")) == {
        "version": 1,
        "tool": {"name": "vaezoo", "version": metadata.version("vaezoo")},
        "summary": {"specs": 2, "invalid": 1, "errors": 2, "warnings": 0},
        "specs": [
            {"file": "a.yaml", "errors": 2, "warnings": 0},
            {"file": "b.yaml", "errors": 0, "warnings": 0},
        ],
        "findings": [
            {
                "code": "VZ303",
                "title": "broken plugin",
                "severity": "error",
                "message": "broken",
                "hint": None,
                "place": None,
                "related": [],
            },
            {
                "code": "VZ204",
                "title": "value not allowed",
                "severity": "error",
                "message": "too small",
                "hint": "more",
                "place": {
                    "file": "a.yaml",
                    "argument": None,
                    "start": {"line": 3, "column": 5},
                    "end": {"line": 3, "column": 8},
                },
                "related": [
                    {
                        "message": "set here",
                        "place": {
                            "file": None,
                            "argument": "--set a=1",
                            "start": {"line": 1, "column": 7},
                            "end": {"line": 1, "column": 8},
                        },
                    }
                ],
            },
        ],
    }


def test_odd_characters_come_through() -> None:
    text = formatted(nasty(), "json")
    text.encode()
    messages = [finding["message"] for finding in json.loads(text)["findings"]]
    assert any(
        message.startswith("50% <b>`x`</b> | a, b: c\n::error::\x1b") for message in messages
    )
