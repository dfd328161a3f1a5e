"""A spec as a tree of nodes with positions.

Trees from different sources (a file, its bases, ``--set`` arguments) are merged node by node, so
every value keeps its source. Nodes are shared and immutable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.diagnostics import Span

Scalar = str | int | float | bool | None
#: A path in a spec: keys and list indices from the top.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its position."""

    content: Scalar | dict[str, Item] | list[Node]
    span: Span

    def child(self, part: str | int) -> Node | None:
        """The value under a key or at an index, if any."""
        if isinstance(self.content, dict) and isinstance(part, str):
            item = self.content.get(part)
            return item.value if item else None
        if isinstance(self.content, list) and isinstance(part, int):
            return self.content[part] if 0 <= part < len(self.content) else None
        return None

    def data(self) -> Any:
        """The value as JSON data."""
        if isinstance(self.content, dict):
            return {name: item.value.data() for name, item in self.content.items()}
        if isinstance(self.content, list):
            return [node.data() for node in self.content]
        return self.content


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a mapping: the position of its key, and its value."""

    key: Span
    value: Node


@dataclass(frozen=True)
class Document:
    """A parsed spec with the position of every key and value."""

    source: str
    root: Node

    def data(self) -> Any:
        """The document as JSON data."""
        return self.root.data()

    def value_span(self, path: Sequence[str | int]) -> Span | None:
        """The span of the value at ``path``; None if the document has no such path."""
        found, depth = self.closest(path)
        return found.span if depth == len(path) else None

    def key_span(self, path: Sequence[str | int]) -> Span | None:
        """The span of the key at ``path``; for a list item, the span of the item."""
        if not path:
            return self._first_key()
        parent, depth = self.closest(path[:-1])
        if depth < len(path) - 1:
            return None
        if isinstance(parent.content, dict) and isinstance(path[-1], str):
            item = parent.content.get(path[-1])
            return item.key if item else None
        found = parent.child(path[-1])
        return found.span if found else None

    def closest(self, path: Sequence[str | int]) -> tuple[Node, int]:
        """The deepest existing node along ``path``, and its depth."""
        node = self.root
        for depth, part in enumerate(path):
            below = node.child(part)
            if below is None:
                return node, depth
            node = below
        return node, len(path)

    def _first_key(self) -> Span:
        if isinstance(self.root.content, dict):
            for item in self.root.content.values():
                if item.key.source == self.source:
                    return item.key
        return self.root.span
