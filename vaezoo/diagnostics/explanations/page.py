"""Explanations as text for a terminal and as JSON data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_BOLD, _RED, _YELLOW, _GREEN, _BLUE = "1", "1;31", "1;33", "1;32", "1;34"
_INDENT = " " * 4


def page(explanation: Explanation, *, width: int = 80, color: bool = False) -> str:
    """One code: title, meaning, what to do, a bad and a good example."""
    paint = _Painter(color)
    style = _RED if explanation.severity is Severity.ERROR else _YELLOW
    head = paint(f"{explanation.severity}[{explanation.code}]", style)
    return "\n\n".join(
        (
            head + paint(f": {explanation.title}", _BOLD),
            *_filled(explanation.meaning, width),
            *_filled(f"What to do: {explanation.advice}", width),
            paint("Bad:", _RED) + "\n\n" + _example_text(explanation.bad, paint),
            paint("Good:", _GREEN) + "\n\n" + _example_text(explanation.good, paint),
        )
    )


def listing(explanations: Iterable[Explanation], *, color: bool = False) -> str:
    """Codes and titles, by group."""
    paint = _Painter(color)
    parts = []
    for group, codes in groupby(explanations, lambda one: one.group):
        rows = [f"  {paint(one.code, _BLUE)}  {one.title}" for one in codes]
        parts.append("\n".join([paint(group[:1].upper() + group[1:], _BOLD), *rows]))
    return "\n\n".join(parts)


def as_data(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON data."""
    return {
        "code": explanation.code,
        "title": explanation.title,
        "group": explanation.group,
        "severity": str(explanation.severity),
        "meaning": explanation.meaning,
        "advice": explanation.advice,
        "bad": _example_data(explanation.bad),
        "good": _example_data(explanation.good),
    }


def _example_data(example: Example) -> dict[str, Any]:
    return {"language": example.language, "text": example.text, "beside": dict(example.files)}


def paragraphs(text: str) -> list[str]:
    """Paragraphs, each joined to one line unless it is indented."""
    return [
        part if part.startswith(_INDENT) else " ".join(part.split())
        for part in text.strip("\n").split("\n\n")
    ]


def _filled(text: str, width: int) -> list[str]:
    return [
        part if part.startswith(_INDENT) else textwrap.fill(part, width)
        for part in paragraphs(text)
    ]


def _example_text(example: Example, paint: _Painter) -> str:
    files = [
        paint(f"{_INDENT}# {name}", _BLUE) + f"\n{textwrap.indent(text, _INDENT)}"
        for name, text in example.files.items()
    ]
    return "\n\n".join([*files, textwrap.indent(example.text, _INDENT)])


class _Painter:
    """Applies an ANSI style to text if colors are on."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, style: str) -> str:
        return f"\033[{style}m{text}\033[0m" if self._on else text
