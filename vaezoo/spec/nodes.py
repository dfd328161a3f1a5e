"""A spec as a tree that knows where each of its parts was written.

Trees from different sources (a file, its bases, ``--set`` arguments) are merged node by node,
so that every value keeps the place it came from. Nodes are shared and never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.diagnostics import Span

Scalar = str | int | float | bool | None
#: Where something stands in a spec: keys and list indices from the top.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it was written."""

    content: Scalar | dict[str, Item] | list[Node]
    span: Span

    def child(self, part: str | int) -> Node | None:
        """The value under a key or at an index, if there is one."""
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
    """One entry of a mapping: the place of its key, and its value."""

    key: Span
    value: Node


@dataclass(frozen=True)
class Document:
    """A spec's text as data, with the place of every key and value."""

    source: str
    root: Node

    def data(self) -> Any:
        """What the text says, as JSON data."""
        return self.root.data()

    def value_span(self, path: Sequence[str | int]) -> Span | None:
        """Where the value at ``path`` stands; None where the text has no such path."""
        found, depth = self.closest(path)
        return found.span if depth == len(path) else None

    def key_span(self, path: Sequence[str | int]) -> Span | None:
        """Where the key of ``path`` stands; of a list's item, the item itself."""
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
        """The deepest node on the way to ``path``, and how many parts of the way it is."""
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
