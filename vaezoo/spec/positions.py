"""Positions of the parts of a valid spec in its text."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.diagnostics import Span
from vaezoo.spec.nodes import Document


@dataclass(frozen=True)
class Positions:
    """Spans by path; None without a document."""

    document: Document | None

    def of(self, *path: str | int) -> Span | None:
        """The span of the value at ``path``, or of its nearest ancestor in the text."""
        if self.document is None:
            return None
        node, depth = self.document.closest(path)
        return node.span if depth else self.document.key_span(())

    def has(self, *path: str | int) -> bool:
        """Whether the text has a value at ``path``."""
        return self.document is not None and self.document.closest(path)[1] == len(path)

    def key(self, *path: str | int) -> Span | None:
        """The span of the key at ``path``, or of the nearest ancestor's value."""
        span = self.document.key_span(path) if self.document else None
        return span or self.of(*path)
