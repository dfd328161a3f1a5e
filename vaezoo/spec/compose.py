"""From YAML text to nodes, by PyYAML's events and without its constructors.

Built with an explicit stack, and bounded in depth and in nodes, so that no text, however
hostile, costs more than a moment or ends in anything but findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from vaezoo.diagnostics import LINE_BREAK, Diagnostic, Position, Span, SpecError
from vaezoo.spec.nodes import Item, Node
from vaezoo.spec.scalars import resolve_plain

MOST_NODES = 10_000
MOST_LEVELS = 64

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What YAML does not allow in a text; PyYAML finds these too, but does not say in which line.
#: (Three sets, since Python takes 8 ms to compile one that spans so much.)
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|[\ufffe-\uffff]"
)


def compose(text: str, source: str) -> tuple[Node | None, list[Diagnostic]]:
    """The one node that ``text`` holds (None if it holds none), and findings that do not stop us.

    Raises SpecError for those that do.
    """
    composer = _Composer(source)
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        start = position_in(text, forbidden.start())
        span = Span(source, start, Position(start.line, start.column + 1))
        message = f"the control character U+{ord(forbidden[0]):04X} cannot stand in YAML"
        raise SpecError(Diagnostic("VZ103", message, span))
    for event in composer.events(text):
        composer.take(event)
    return composer.root, composer.findings


def position_in(text: str, index: int) -> Position:
    """The line and column of a character, lines counted as YAML counts them."""
    breaks = [match.end() for match in LINE_BREAK.finditer(text, 0, index)]
    return Position(len(breaks) + 1, index - (breaks[-1] if breaks else 0) + 1)


@dataclass
class _Frame:
    """A mapping or list that is being read."""

    content: dict[str, Item] | list[Node]
    start: Position
    anchor: str | None
    key: tuple[str, Span] | None = None
    end: Position | None = None
    size: int = 1
    height: int = 1


class _Composer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.root: Node | None = None
        self.findings: list[Diagnostic] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._nodes = 0
        self._documents = 0

    def events(self, text: str) -> Iterator[yaml.Event]:
        loader = _Loader(text)
        try:
            while True:
                event = loader.get_event()
                if event is None:
                    return
                yield event
        except yaml.YAMLError as error:
            raise SpecError(*self.findings, self._not_yaml(error, text)) from None
        finally:
            loader.dispose()

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop("VZ108", "a second document begins here", event, "one spec a file")
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                if self._wants_key():
                    self._take_key(event)
                else:
                    node = Node(self._scalar(event), self._span(event))
                    self._place(node, event.anchor, 1, 1, event)
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_tag(event)
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)

    def _wants_key(self) -> bool:
        return bool(self._stack) and (
            isinstance(self._stack[-1].content, dict) and self._stack[-1].key is None
        )

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        frame, span = self._stack[-1], self._span(event)
        assert isinstance(frame.content, dict)
        first = frame.content.get(event.value)
        if first:
            self.findings.append(
                Diagnostic(
                    "VZ104",
                    f"the key {event.value!r} is written twice",
                    span,
                    hint=f"it first stands in line {first.key.start.line}; keep one of them",
                )
            )
        if event.anchor:
            self._stop("VZ103", "a key cannot have an anchor", event)
        frame.key = (event.value, span)

    def _take_alias(self, event: yaml.AliasEvent) -> None:
        if self._wants_key():
            self._stop("VZ103", "an alias cannot be a key", event)
        if event.anchor is None or event.anchor not in self._anchors:
            inside = any(frame.anchor == event.anchor for frame in self._stack)
            where = "inside the value that it names" if inside else "without an anchor before it"
            self._stop("VZ103", f"the alias *{event.anchor} stands {where}", event)
        node, size, height = self._anchors[event.anchor]
        self._place(Node(node.content, self._span(event)), None, size, height, event)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if self._wants_key():
            self._stop("VZ103", "a list or mapping cannot be a key", event, "write a plain word")
        if len(self._stack) >= MOST_LEVELS:
            self._too_deep(event)
        content: dict[str, Item] | list[Node] = (
            {} if isinstance(event, yaml.MappingStartEvent) else []
        )
        start = _position(event.start_mark)
        self._stack.append(_Frame(content, start, event.anchor))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self._stack.pop()
        end = _position(event.end_mark)
        if end == _position(event.start_mark) and frame.end:
            end = frame.end  # block style: YAML's own end is where the next thing begins
        node = Node(frame.content, Span(self.source, frame.start, end))
        self._place(node, frame.anchor, frame.size, frame.height, event)

    def _place(
        self, node: Node, anchor: str | None, size: int, height: int, event: yaml.Event
    ) -> None:
        """Put a finished node where it belongs; ``size`` and ``height`` count it in full."""
        is_new = not isinstance(event, yaml.AliasEvent)
        self._nodes += 1 if is_new else size
        if self._nodes > MOST_NODES:
            self._stop("VZ106", f"this spec has more than {MOST_NODES:,} values", event)
        if len(self._stack) + height > MOST_LEVELS:
            self._too_deep(event)
        if anchor:
            self._anchors[anchor] = (node, size, height)
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        parent.end = node.span.end
        if isinstance(parent.content, list):
            parent.content.append(node)
        elif parent.key:
            name, span = parent.key
            parent.content.setdefault(name, Item(span, node))  # the first of two stays
            parent.key = None

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not (event.implicit[0] and event.tag is None):
            return event.value
        try:
            return resolve_plain(event.value)
        except ValueError as error:
            self._stop("VZ103", f"this is {error}", event)

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is None:
            return
        start = _position(event.start_mark)
        span = Span(self.source, start, Position(start.line, start.column + 1))
        self.findings.append(
            Diagnostic(
                "VZ105",
                f"the tag {event.tag!r} cannot stand in a spec",
                span,
                hint="a spec is plain data: remove the tag",
            )
        )

    def _too_deep(self, event: yaml.Event) -> None:
        self._stop("VZ107", f"this is nested more than {MOST_LEVELS} levels deep", event)

    def _stop(
        self, code: str, message: str, event: yaml.Event, hint: str | None = None
    ) -> NoReturn:
        finding = Diagnostic(code, message, self._span(event), hint=hint)
        raise SpecError(*self.findings, finding)

    def _span(self, event: yaml.Event) -> Span:
        return Span(self.source, _position(event.start_mark), _position(event.end_mark))

    def _not_yaml(self, error: yaml.YAMLError, text: str) -> Diagnostic:
        problem = getattr(error, "problem", None) or str(error)
        marks = [getattr(error, "problem_mark", None), getattr(error, "context_mark", None)]
        if "end of stream" in problem:
            marks.reverse()  # where the quote opens says more than where the text ends
        mark = next((mark for mark in marks if mark), None)
        last = position_in(text, len(text))
        start = min(_position(mark), last) if mark else Position(1, 1)
        context = getattr(error, "context", None)
        message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
        span = Span(self.source, start, Position(start.line, start.column + 1))
        hints = (hint for part, hint in _HINTS.items() if part in problem)
        return Diagnostic("VZ103", message, span, hint=next(hints, None))


#: What the commonest of PyYAML's problems come from.
_HINTS = {
    "cannot start any token": "indent with spaces, not tabs; quote text that begins with @ or %",
    "mapping values are not allowed": "quote text that holds a colon, and check the indentation",
    "could not find expected ':'": "write 'key: value', with a space after the colon",
    "expected <block end>": "keys of one mapping begin in the same column",
    "did not find expected key": "keys of one mapping begin in the same column",
    "did not find expected ',' or": "a bracket is not closed, or a comma is missing",
    "unexpected end of stream": "a quote is not closed",
}


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)
