"""From YAML text to nodes, by PyYAML's events and without its constructors.

Built with an explicit stack, and bounded in depth and in nodes, so that no text, however
hostile, costs more than a moment or ends in anything but findings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.events import Take, feed, one_character, position, wrong_escape
from vaezoo.spec.nodes import Item, Node
from vaezoo.spec.scalars import resolve_plain

MOST_NODES = 10_000
MOST_LEVELS = 64
_HALF = re.compile("[\ud800-\udfff]")
#: A drive's letter and one backslash, in double quotes.
_DRIVE = re.compile(r'"[A-Za-z]:\\(?!\\)')
_INSTEAD_OF_MERGE = (
    "YAML 1.2 has no merge keys: write the keys here, "
    "or keep them in a base spec and write extends: BASE.yaml"
)


def compose(text: str, source: str) -> tuple[Node | None, list[Diagnostic]]:
    """The one node that ``text`` holds (None if it holds none), and findings that do not stop us.

    Raises SpecError for those that do.
    """
    composer = _Composer(source, text)

    def begin() -> Take:
        nonlocal composer
        composer = _Composer(source, text)
        return composer.take

    try:
        feed(text, source, begin)
    except SpecError as error:
        raise SpecError(*composer.findings, *error.diagnostics) from None
    return composer.root, composer.findings


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
    def __init__(self, source: str, text: str) -> None:
        self.root: Node | None = None
        self.findings: list[Diagnostic] = []
        self._source = source
        self._text = text
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._nodes = 0
        self._documents = 0
        self._key_end = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raises SpecError at the first thing that makes the rest moot."""
        match event:
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                self._refuse_halves(event)
                self._refuse_windows_path(event)
                if self._wants_key():
                    self._take_key(event)
                else:
                    node = Node(self._scalar(event), self._scalar_span(event))
                    self._place(node, event.anchor, 1, 1, event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_tag(event)
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop("VZ108", "a second document begins here", event, "one spec a file")

    def _wants_key(self) -> bool:
        return bool(self._stack) and (
            isinstance(self._stack[-1].content, dict) and self._stack[-1].key is None
        )

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        frame, span = self._stack[-1], self._span(event)
        assert isinstance(frame.content, dict)
        if event.value == "<<" and event.implicit[0] and event.tag is None:
            self._stop("VZ103", "the merge key << is not read", event, _INSTEAD_OF_MERGE)
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
        self._key_end = _index(event.end_mark)

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
        start = position(event.start_mark)
        self._stack.append(_Frame(content, start, event.anchor))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        frame = self._stack.pop()
        end = position(event.end_mark)
        if end == position(event.start_mark) and frame.end:
            end = frame.end  # block style: YAML's own end is where the next thing begins
        node = Node(frame.content, Span(self._source, frame.start, end))
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

    def _refuse_halves(self, event: yaml.ScalarEvent) -> None:
        """Half of a character can be written as an escape, and is no text."""
        half = _HALF.search(event.value) if event.style == '"' else None
        if half:
            self._stop("VZ103", f"the escape \\u{ord(half[0]):04x} is no character", event)

    def _refuse_windows_path(self, event: yaml.ScalarEvent) -> None:
        """``"C:\\temp"`` holds a tab: a path that nobody means."""
        if event.style != '"':
            return
        written = self._text[_index(event.start_mark) : _index(event.end_mark)]
        if _DRIVE.match(written):
            raise SpecError(wrong_escape(written, self._span(event), "this looks like a path"))

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
        self.findings.append(
            Diagnostic(
                "VZ105",
                f"the tag {event.tag!r} cannot stand in a spec",
                one_character(self._source, position(event.start_mark)),
                hint="a spec is plain data: remove the tag",
            )
        )

    def _too_deep(self, event: yaml.Event) -> None:
        self._stop("VZ107", f"this is nested more than {MOST_LEVELS} levels deep", event)

    def _stop(
        self, code: str, message: str, event: yaml.Event, hint: str | None = None
    ) -> NoReturn:
        finding = Diagnostic(code, message, self._span(event), hint=hint)
        raise SpecError(finding)

    def _span(self, event: yaml.Event) -> Span:
        return Span(self._source, position(event.start_mark), position(event.end_mark))

    def _scalar_span(self, event: yaml.ScalarEvent) -> Span:
        """A scalar's place; of one that was not written, right behind its key's colon.

        There PyYAML has it too, while libyaml may have it where the next thing begins.
        """
        key = self._stack[-1].key if self._stack else None
        if event.value or key is None or _index(event.start_mark) < _index(event.end_mark):
            return self._span(event)
        colon = self._text.find(":", self._key_end)
        if colon < 0 or self._text[self._key_end : colon].strip(" "):
            return self._span(event)
        _, span = key
        behind = Position(span.end.line, span.end.column + colon + 1 - self._key_end)
        return Span(self._source, behind, behind)


def _index(mark: Any) -> int:
    """Which character of the text a mark stands at."""
    return int(mark.index)
