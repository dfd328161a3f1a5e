"""Where the parts of a valid spec stand in its text."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.diagnostics import Span
from vaezoo.spec.nodes import Document


@dataclass(frozen=True)
class Positions:
    """Spans by path; nowhere, where there is no document."""

    document: Document | None

    def of(self, *path: str | int) -> Span | None:
        """The value at ``path``, or at the nearest path above it that was written."""
        if self.document is None:
            return None
        node, depth = self.document.closest(path)
        return node.span if depth else self.document.key_span(())

    def key(self, *path: str | int) -> Span | None:
        """The key at ``path``, or the value nearest above."""
        span = self.document.key_span(path) if self.document else None
        return span or self.of(*path)
