"""Edit a spec's text in place, without rewriting it from its data."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from vaezoo.diagnostics import LINE_BREAK, Position, Span


@dataclass(frozen=True)
class Edit:
    """Replace the text at ``span`` by ``text``."""

    span: Span
    text: str


@dataclass(frozen=True)
class EditableText:
    """A file's text; ``mark`` is its byte order mark, if any."""

    text: str
    mark: bytes = b""

    @classmethod
    def from_bytes(cls, content: bytes) -> EditableText:
        """Decode UTF-8. Raises UnicodeDecodeError for other encodings."""
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        return cls(content[len(mark) :].decode("utf-8"), mark)

    def to_bytes(self) -> bytes:
        """The file's content."""
        return self.mark + self.text.encode("utf-8")

    @cached_property
    def lines(self) -> list[str]:
        """The lines, each with its line break."""
        starts = [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]
        ends = [*starts[1:], len(self.text)]
        return [self.text[a:b] for a, b in zip(starts, ends, strict=True) if a < b]

    def written(self, span: Span) -> str:
        """The text at a span."""
        return self.text[self._index(span.start) : self._index(span.end)]

    def edited(self, edits: Iterable[Edit]) -> EditableText:
        """Apply the edits, whose spans must not overlap."""
        parts, done = [], 0
        for edit in sorted(edits, key=lambda edit: edit.span.start):
            parts += [self.text[done : self._index(edit.span.start)], edit.text]
            done = self._index(edit.span.end)
        return replace(self, text="".join([*parts, self.text[done:]]))

    def _index(self, position: Position) -> int:
        return self._starts[min(position.line, len(self._starts)) - 1] + position.column - 1

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]
