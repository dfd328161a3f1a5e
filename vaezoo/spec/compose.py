"""Parse YAML text into nodes from PyYAML's events, without its constructors.

An explicit stack and limits on depth and size keep hostile input cheap and free of crashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.nodes import Item, Node
from vaezoo.spec.scalars import resolve_plain
from vaezoo.spec.yaml_errors import one_character, position, wrong_escape
from vaezoo.spec.yaml_events import Take, feed

MAX_NODES = 10_000
MAX_LEVELS = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
#: A drive letter and one backslash, in double quotes.
_DRIVE = re.compile(r'"[A-Za-z]:\\(?!\\)')
_ONE_DOCUMENT = "put each spec in its own file"
_INSTEAD_OF_MERGE = (
    "YAML 1.2 has no merge keys: write the keys out, "
    "or move them to a base spec and write extends: BASE.yaml"
)


def compose(text: str, source: str) -> tuple[Node | None, list[Diagnostic]]:
    """The root node of ``text`` (None if it is empty), and findings.

    Raises SpecError if the text cannot be parsed to its end.
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
    """A mapping or list under construction."""

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
        """Process the next event. Raises SpecError if the rest cannot be parsed."""
        match event:
            case yaml.ScalarEvent():
                self._reject_tag(event)
                self._reject_surrogates(event)
                self._reject_windows_path(event)
                if self._wants_key():
                    self._take_key(event)
                else:
                    node = Node(self._scalar(event), self._scalar_span(event))
                    self._place(node, event.anchor, 1, 1, event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._reject_tag(event)
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop("VZ108", "the file has a second YAML document", event, _ONE_DOCUMENT)

    def _wants_key(self) -> bool:
        return bool(self._stack) and (
            isinstance(self._stack[-1].content, dict) and self._stack[-1].key is None
        )

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        frame, span = self._stack[-1], self._span(event)
        assert isinstance(frame.content, dict)
        if event.value == "<<" and event.implicit[0] and event.tag is None:
            self._stop("VZ103", "the merge key << is not supported", event, _INSTEAD_OF_MERGE)
        first = frame.content.get(event.value)
        if first:
            self.findings.append(
                Diagnostic(
                    "VZ104",
                    f"duplicate key {event.value!r}",
                    span,
                    hint=f"the first one is in line {first.key.start.line}; keep one of them",
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
            problem = "is inside the value it refers to" if inside else "has no anchor before it"
            self._stop("VZ103", f"the alias *{event.anchor} {problem}", event)
        node, size, height = self._anchors[event.anchor]
        self._place(Node(node.content, self._span(event)), None, size, height, event)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if self._wants_key():
            self._stop(
                "VZ103", "a list or mapping cannot be a key", event, "write a word as the key"
            )
        if len(self._stack) >= MAX_LEVELS:
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
            end = frame.end  # block style: PyYAML reports the start of the next token as the end
        node = Node(frame.content, Span(self._source, frame.start, end))
        self._place(node, frame.anchor, frame.size, frame.height, event)

    def _place(
        self, node: Node, anchor: str | None, size: int, height: int, event: yaml.Event
    ) -> None:
        """Add a finished node to its parent; ``size`` and ``height`` count aliases in full."""
        is_new = not isinstance(event, yaml.AliasEvent)
        self._nodes += 1 if is_new else size
        if self._nodes > MAX_NODES:
            message = f"the spec has more than {MAX_NODES:,} values"
            self._stop("VZ106", message, event, "remove values; aliases count in full")
        if len(self._stack) + height > MAX_LEVELS:
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
            parent.content.setdefault(name, Item(span, node))  # keep the first of two
            parent.key = None

    def _reject_surrogates(self, event: yaml.ScalarEvent) -> None:
        """Reject an escape of a lone surrogate, which is not a character."""
        lone = _SURROGATE.search(event.value) if event.style == '"' else None
        if lone:
            message = f"the escape \\u{ord(lone[0]):04x} is not a character"
            self._stop("VZ103", message, event, "remove it, or write the character itself")

    def _reject_windows_path(self, event: yaml.ScalarEvent) -> None:
        """Reject ``"C:\\temp"``, which contains a tab."""
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

    def _reject_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is None:
            return
        self.findings.append(
            Diagnostic(
                "VZ105",
                f"the tag {event.tag!r} is not allowed",
                one_character(self._source, position(event.start_mark)),
                hint="remove the tag: a spec is plain data",
            )
        )

    def _too_deep(self, event: yaml.Event) -> None:
        self._stop("VZ107", f"the spec is nested more than {MAX_LEVELS} levels deep", event)

    def _stop(
        self, code: str, message: str, event: yaml.Event, hint: str | None = None
    ) -> NoReturn:
        finding = Diagnostic(code, message, self._span(event), hint=hint)
        raise SpecError(finding)

    def _span(self, event: yaml.Event) -> Span:
        return Span(self._source, position(event.start_mark), position(event.end_mark))

    def _scalar_span(self, event: yaml.ScalarEvent) -> Span:
        """A scalar's span; for an empty value, the position after its key's colon.

        PyYAML reports that position, libyaml may report the start of the next token.
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
    """The index of a mark in the text."""
    return int(mark.index)
