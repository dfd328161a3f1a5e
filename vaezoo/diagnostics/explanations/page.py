"""Render explanations as text and as JSON data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from vaezoo.diagnostics import Severity
from vaezoo.diagnostics.explanations.explanation import Example, Explanation

_BOLD, _RED, _YELLOW, _GREEN, _BLUE = "1", "1;31", "1;33", "1;32", "1;34"
_LISTING = " " * 4


def page(explanation: Explanation, *, width: int = 80, color: bool = False) -> str:
    """One code on a page: title, meaning, what to do, a bad and a good example."""
    styled = _Styler(color)
    style = _RED if explanation.severity is Severity.ERROR else _YELLOW
    head = styled(f"{explanation.severity}[{explanation.code}]", style)
    return "\n\n".join(
        (
            head + styled(f": {explanation.title}", _BOLD),
            *_filled(explanation.meaning, width),
            *_filled(f"What to do: {explanation.advice}", width),
            styled("Bad:", _RED) + "\n\n" + _shown(explanation.bad, styled),
            styled("Good:", _GREEN) + "\n\n" + _shown(explanation.good, styled),
        )
    )


def listing(explanations: Iterable[Explanation], *, color: bool = False) -> str:
    """Every code with its title, by group."""
    styled = _Styler(color)
    parts = []
    for group, codes in groupby(explanations, lambda one: one.group):
        rows = [f"  {styled(one.code, _BLUE)}  {one.title}" for one in codes]
        parts.append("\n".join([styled(group[:1].upper() + group[1:], _BOLD), *rows]))
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
    return {
        "language": example.language,
        "text": example.text,
        "beside": dict(example.beside),
    }


def paragraphs(text: str) -> list[str]:
    """Paragraphs of a meaning, each in one line; those that are indented keep their lines."""
    return [
        part if part.startswith(_LISTING) else " ".join(part.split())
        for part in text.strip("\n").split("\n\n")
    ]


def _filled(text: str, width: int) -> list[str]:
    return [
        part if part.startswith(_LISTING) else textwrap.fill(part, width)
        for part in paragraphs(text)
    ]


def _shown(example: Example, styled: _Styler) -> str:
    files = [
        styled(f"{_LISTING}# {name}", _BLUE) + f"\n{textwrap.indent(text, _LISTING)}"
        for name, text in example.beside.items()
    ]
    return "\n\n".join([*files, textwrap.indent(example.text, _LISTING)])


class _Styler:
    """Add ANSI colors to text, if on."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, style: str) -> str:
        return f"\033[{style}m{text}\033[0m" if self._on else text
