"""The line, column and message of text that is not YAML."""

from __future__ import annotations

import re
from typing import Any

import yaml

from vaezoo.diagnostics import LINE_BREAK, Diagnostic, Position, Span
from vaezoo.diagnostics.confusables import plain, unmasked


def position(mark: Any) -> Position:
    """The position of a PyYAML mark, which counts from 0."""
    return Position(mark.line + 1, mark.column + 1)


def position_in(text: str, index: int) -> Position:
    """The line and column of a character, with YAML's line breaks."""
    breaks = [match.end() for match in LINE_BREAK.finditer(text, 0, index)]
    return Position(len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1)


def one_character(source: str, start: Position) -> Span:
    """The span of a single character."""
    return Span(source, start, Position(start.line, start.column + 1))


def not_yaml(error: yaml.YAMLError, text: str, source: str) -> Diagnostic:
    problem = getattr(error, "problem", None) or str(error)
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    opening = marks[1]
    if "end of stream" in problem:
        marks.reverse()  # point to the opening quote, not to the end of the text
    given = [mark for mark in marks if mark]
    last = position_in(text, len(text))
    start = min(position(given[0]), last) if given else Position(1, 1)
    place = one_character(source, start)
    if "escape" in problem and opening:
        return wrong_escape(text[opening.index :], place, problem)
    if problem.startswith("found character '\\t'"):
        return Diagnostic("VZ103", "not valid YAML: indented with a tab", place, hint=_NO_TABS)
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    for line in (line for mark in given for line in (mark.line, mark.line - 1)):
        lookalike = _lookalike(text, line, source)
        if lookalike:
            return Diagnostic("VZ103", message, lookalike[0], hint=lookalike[1])
    hint = next((hint for part, hint in _HINTS.items() if part in problem), None)
    return Diagnostic("VZ103", message, place, hint=hint)


def _lookalike(text: str, number: int, source: str) -> tuple[Span, str] | None:
    """The first character of a line (from 0) that looks like another, and a hint about it."""
    lines = LINE_BREAK.split(text)
    line = lines[number] if 0 <= number < len(lines) else ""
    hint = unmasked(line)
    if hint is None:
        return None
    column = next(index for index, c in enumerate(line) if plain(c) != c)
    return one_character(source, Position(number + 1, column + 1)), f"the line contains {hint}"


def wrong_escape(text: str, place: Span, problem: str) -> Diagnostic:
    """The finding for a wrong escape in the double-quoted ``text``, with the text to write."""
    hint = "write each backslash twice, or use single quotes"
    quoted = _QUOTED.match(text)
    if quoted and "\n" not in quoted[0]:
        inner = quoted[1]
        single = "'" + inner.replace("'", "''") + "'"
        hint = f"use single quotes: {single}"
        if _WINDOWS_PATH.match(inner):
            hint += f", or forward slashes: {inner.replace(chr(92), '/')}"
    message = f"not valid YAML: in double quotes a backslash starts an escape; {problem}"
    return Diagnostic("VZ103", message, place, hint=hint)


#: Text in double quotes, up to the closing quote.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\")
_NO_TABS = "indent with spaces, not tabs"
#: Hints for PyYAML's most common problems.
_HINTS = {
    "cannot start any token": "quote text that starts with @, ` or %",
    "mapping values are not allowed": "quote text that contains a colon, and check the indentation",
    "could not find expected ':'": "write 'key: value', with a space after the colon",
    "expected <block end>": "start all keys of a mapping in the same column",
    "expected ',' or": "close the bracket, or add a comma",
    "unexpected end of stream": "close the quote",
}
