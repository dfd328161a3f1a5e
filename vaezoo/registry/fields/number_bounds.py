"""Bounds of a number as text: "at least 1" in messages, "≥ 1" in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

_WORDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_SYMBOLS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
#: Keywords of JSON Schema and error types of pydantic, by the names of ``annotated_types``.
_RELATIONS = {
    **{name: name for name in _WORDS},
    "exclusiveMinimum": "gt",
    "minimum": "ge",
    "exclusiveMaximum": "lt",
    "maximum": "le",
    "greater_than": "gt",
    "greater_than_equal": "ge",
    "less_than": "lt",
    "less_than_equal": "le",
}


class Bound(NamedTuple):
    """A relation (``gt``, ``ge``, ``lt`` or ``le``) and a limit."""

    relation: str
    limit: float

    @property
    def words(self) -> str:
        return f"{_WORDS[self.relation]} {self._number}"

    @property
    def symbols(self) -> str:
        return f"{_SYMBOLS[self.relation]} {self._number}"

    @property
    def _number(self) -> str:
        if self.limit == 2**63:
            return "2⁶³"
        return str(self.limit) if isinstance(self.limit, int) else f"{self.limit:g}"


def named_bound(name: str, limit: float) -> Bound | None:
    """The bound called ``name`` in ``annotated_types``, JSON Schema or a pydantic error, if any."""
    return Bound(_RELATIONS[name], limit) if name in _RELATIONS else None


def bounds_in(metadata: Iterable[Any]) -> Iterator[Bound]:
    """The bounds in a field's metadata, including those of ``NonNegative`` and ``Positive``."""
    for constraint in metadata:
        own = getattr(getattr(constraint, "func", None), "bound", None)
        if own:
            yield own
        for relation in _WORDS:
            limit = getattr(constraint, relation, None)
            if limit is not None:
                yield Bound(relation, limit)
