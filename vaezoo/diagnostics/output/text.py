"""Findings as text: location, line, caret and hint."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from vaezoo.diagnostics import LINE_BREAK, Diagnostic, Piped, Related, Severity, Span
from vaezoo.diagnostics.output.locations import is_argument
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.diagnostics.printable import printable, without_commands

_MOST_BYTES = 1 << 21
#: Longer lines are clipped to this many characters before and after the caret.
_BEFORE, _AFTER = 40, 60

#: Most related locations shown. A base can have a thousand specs that extend it.
_MOST_RELATED = 3

_BOLD, _RED, _YELLOW, _BLUE, _RESET = "\033[1m", "\033[1;31m", "\033[1;33m", "\033[1;34m", "\033[0m"


def report(found: Report, _root: Path) -> str:
    """The findings and a summary line."""
    shown = render(found.diagnostics)
    return f"{shown}\n\n{found.summary()}\n" if shown else f"{found.summary()}\n"


def render(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """The findings, separated by empty lines."""
    renderer = _Renderer(color)
    return without_commands("\n\n".join(map(renderer.one, diagnostics)))


def snippet(span: Span, *, color: bool = False) -> str:
    """A place, its line, and a caret under it."""
    return without_commands("\n".join(_Renderer(color)._snippet(span, _BOLD)))


class _Renderer:
    def __init__(self, color: bool) -> None:
        self._color = color
        self._texts: dict[str, list[str]] = {}

    def one(self, diagnostic: Diagnostic) -> str:
        style = _RED if diagnostic.severity is Severity.ERROR else _YELLOW
        title = self._paint(f"{diagnostic.severity}[{diagnostic.code}]", style)
        message = self._paint(f": {printable(diagnostic.message)}", _BOLD)
        parts = [title + message]
        if diagnostic.span:
            parts += self._snippet(diagnostic.span, style)
        parts += self._related(diagnostic.related)
        if diagnostic.hint:
            lines = printable(diagnostic.hint, keep="\n").split("\n")
            label = self._paint("help:", _BLUE)
            parts.append("\n        ".join([f"  {label} {lines[0]}", *lines[1:]]))
        return "\n".join(parts)

    def _related(self, related: tuple[Related, ...]) -> list[str]:
        label = self._paint("note:", _BLUE)
        notes = [f"{printable(one.message)}: {printable(place(one.span))}" for one in related]
        if len(notes) > _MOST_RELATED:
            notes[_MOST_RELATED:] = [f"and {len(notes) - _MOST_RELATED:,} other places"]
        return [f"  {label} {note}" for note in notes]

    def _snippet(self, span: Span, style: str) -> list[str]:
        arrow = self._paint("-->", _BLUE)
        typed = is_argument(span)
        lines = [f"  {arrow} {printable(place(span))}"]
        source = self._lines(span)
        if span.start.line > len(source):
            return lines
        text = source[span.start.line - 1]
        last = span.end.column - 1 if span.end.line == span.start.line else len(text)
        shown, caret = _underlined(text, span.start.column - 1, last)
        number = "" if typed else str(span.start.line)
        edge = " " * len(number)
        return [
            *lines,
            self._paint(f" {edge} |", _BLUE),
            self._paint(f" {number} |", _BLUE) + f" {shown}".rstrip(),
            self._paint(f" {edge} |", _BLUE) + f" {self._paint(caret, style)}",
        ]

    def _lines(self, span: Span) -> list[str]:
        source = span.source
        if source not in self._texts:
            text = source if is_argument(span) else _content(source)
            self._texts[source] = LINE_BREAK.split(text) if text else []
        return self._texts[source]

    def _paint(self, text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if self._color else text


def place(span: Span) -> str:
    """The start of a range and, after a dash, its last character."""
    if is_argument(span):
        return span.source
    if span.end.line > span.start.line:
        return f"{span}-{span.end.line}:{max(span.end.column - 1, 1)}"
    last = span.end.column - 1
    return f"{span}-{last}" if last > span.start.column else str(span)


def _content(path: str) -> str:
    """A file's text; empty if it is missing or not a regular file."""
    if isinstance(path, Piped):
        return path.content.decode("utf-8-sig", errors="replace")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return ""
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return ""


def _underlined(text: str, start: int, end: int) -> tuple[str, str]:
    """A line for the terminal, and carets below the characters ``start`` to ``end``."""
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text))
    first = 0 if len(text) <= _BEFORE + _AFTER else max(start - _BEFORE, 0)
    last = len(text) if len(text) <= _BEFORE + _AFTER else min(start + _AFTER, len(text))
    head, tail = "…" * (first > 0), "…" * (last < len(text))
    before = head + printable(text[first:start])
    marked = printable(text[start : min(end, last)])
    after = printable(text[start:last]) + tail
    return before + after, " " * _width(before) + "^" * max(_width(marked), 1)


def _width(text: str) -> int:
    """The number of terminal cells of the text."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
