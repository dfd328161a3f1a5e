"""YAML's events, with libyaml's speed and PyYAML's judgement, and what is wrong in our words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from vaezoo.diagnostics import LINE_BREAK, Diagnostic, Position, Span, SpecError
from vaezoo.diagnostics.confusables import plain, unmasked
from vaezoo.diagnostics.printable import code_point
from vaezoo.spec.scanner import Loader

#: PyYAML in Python: slow, and the same everywhere.
_PLAIN: Any = Loader
#: libyaml, where PyYAML was built with it: ten times as fast.
_FAST: Any = getattr(yaml, "CSafeLoader", None)
#: What the two may read differently.
_DISPUTED = re.compile("[\t?!%\ufeff]|[|>][-+0-9]*#")
#: What YAML does not allow in a text; PyYAML finds these too, but does not say in which line.
#: (Three sets, since Python takes 8 ms to compile one that spans so much.)
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|[\ufffe-\uffff]"
)

#: Takes one event after another.
Take = Callable[[yaml.Event], None]


def feed(text: str, source: str, begin: Callable[[], Take]) -> None:
    """Hand every event of ``text`` to what ``begin`` gives.

    ``begin`` is called once more where libyaml refuses the text: then PyYAML reads it from the
    start, so that findings do not depend on how PyYAML was built. Raises SpecError (VZ103).
    """
    _refuse_forbidden(text, source)
    # the two put an empty value at the end of a text without a last line break differently
    lines = text + "\n"
    if _FAST and not _DISPUTED.search(text):
        try:
            return _events(_FAST, lines, begin())
        except yaml.YAMLError:
            pass
    try:
        return _events(_PLAIN, lines, begin())
    except yaml.YAMLError as error:
        raise SpecError(_not_yaml(error, text, source)) from None


def position(mark: Any) -> Position:
    """A mark of PyYAML's, which counts from 0."""
    return Position(mark.line + 1, mark.column + 1)


def position_in(text: str, index: int) -> Position:
    """The line and column of a character, lines counted as YAML counts them."""
    breaks = [match.end() for match in LINE_BREAK.finditer(text, 0, index)]
    return Position(len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1)


def _events(loader: Any, text: str, take: Take) -> None:
    events = loader(text)
    try:
        while event := events.get_event():
            take(event)
    finally:
        events.dispose()


def _refuse_forbidden(text: str, source: str) -> None:
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        message = f"the control character {code_point(forbidden[0])} cannot stand in YAML"
        start = position_in(text, forbidden.start())
        raise SpecError(Diagnostic("VZ103", message, one_character(source, start)))


def one_character(source: str, start: Position) -> Span:
    """The place of a single character."""
    return Span(source, start, Position(start.line, start.column + 1))


def _not_yaml(error: yaml.YAMLError, text: str, source: str) -> Diagnostic:
    problem = getattr(error, "problem", None) or str(error)
    marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
    opening = marks[1]
    if "end of stream" in problem:
        marks.reverse()  # where the quote opens says more than where the text ends
    given = [mark for mark in marks if mark]
    last = position_in(text, len(text))
    start = min(position(given[0]), last) if given else Position(1, 1)
    place = one_character(source, start)
    if "escape" in problem and opening:
        return wrong_escape(text[opening.index :], place, problem)
    if problem.startswith("found character '\\t'"):
        return Diagnostic("VZ103", "not valid YAML: a tab cannot indent", place, hint=_NO_TABS)
    context = getattr(error, "context", None)
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    for line in (line for mark in given for line in (mark.line, mark.line - 1)):
        masked = _masked(text, line, source)
        if masked:
            return Diagnostic("VZ103", message, masked[0], hint=masked[1])
    hint = next((hint for part, hint in _HINTS.items() if part in problem), None)
    return Diagnostic("VZ103", message, place, hint=hint)


def _masked(text: str, number: int, source: str) -> tuple[Span, str] | None:
    """The first character of a line, counted from 0, that looks like another, and what it is."""
    lines = LINE_BREAK.split(text)
    line = lines[number] if 0 <= number < len(lines) else ""
    hint = unmasked(line)
    if hint is None:
        return None
    column = next(index for index, c in enumerate(line) if plain(c) != c)
    return one_character(source, Position(number + 1, column + 1)), f"this line holds {hint}"


def wrong_escape(text: str, place: Span, problem: str) -> Diagnostic:
    """What to write in place of double quotes; ``text`` begins with them."""
    hint = "write two backslashes for one, or put the text in single quotes"
    quoted = _QUOTED.match(text)
    if quoted and "\n" not in quoted[0]:
        inner = quoted[1]
        single = "'" + inner.replace("'", "''") + "'"
        hint = f"in single quotes a backslash is a backslash: {single}"
        if _WINDOWS_PATH.match(inner):
            hint += f"; in a path, slashes do as well: {inner.replace(chr(92), '/')}"
    message = f"not valid YAML: in double quotes a backslash begins an escape; {problem}"
    return Diagnostic("VZ103", message, place, hint=hint)


#: A text in double quotes, as far as the quote that was meant to close it.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\\\")
_NO_TABS = "indent with spaces, not tabs"
#: What the commonest of PyYAML's problems come from.
_HINTS = {
    "cannot start any token": "quote text that begins with @, ` or %",
    "mapping values are not allowed": "quote text that holds a colon, and check the indentation",
    "could not find expected ':'": "write 'key: value', with a space after the colon",
    "expected <block end>": "keys of one mapping begin in the same column",
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "unexpected end of stream": "a quote is not closed",
}
