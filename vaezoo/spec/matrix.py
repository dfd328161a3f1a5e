"""``matrix``: a file that describes a grid of specs.

Its keys are dotted paths and its values are lists. Each combination of values, applied like
``--set``, is one spec.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vaezoo.diagnostics import Diagnostic, Related, Span
from vaezoo.spec.nodes import Document, Item, Node, Path
from vaezoo.spec.overrides import Assignment, parts_of, spans_of

KEY = "matrix"
MAX_COMBINATIONS = 4096
#: Limit on the number of values in all specs of the grid.
MAX_VALUES = 1_000_000

_FORM = "write matrix: {loss.beta: [1, 2, 4], model.latent: [2, 10]}"
#: Keys that a matrix cannot vary, and why.
FIXED = {
    "name": "each member gets its own name",
    "vaezoo": "all members have the same format version",
    "extends": "all members extend the same specs",
    KEY: "a matrix cannot contain another matrix",
}


@dataclass(frozen=True)
class Axis:
    """A key that the matrix varies, and its values; ``keys`` holds the position of each part."""

    key: str
    path: Path
    span: Span
    keys: tuple[Span, ...]
    values: tuple[Node, ...]

    def assignment(self, index: int) -> Assignment:
        """The assignment of the value at ``index``."""
        return Assignment(self.path, self.keys, self.values[index], "VZ208")


#: The index of a member's value on each axis.
Combination = tuple[int, ...]


def read_axes(matrix: Item) -> tuple[list[Axis], list[Diagnostic]]:
    """Parse ``matrix`` into axes, with findings for what is invalid."""
    content = matrix.value.content
    if content is None:  # drops the matrix of a base spec
        return [], []
    if not isinstance(content, dict):
        message = "'matrix' must map keys to lists of values"
        return [], [_finding(message, matrix.value.span, _FORM)]
    if not content:
        return [], [_finding("the matrix is empty", matrix.value.span, _FORM)]
    axes: dict[Path, Axis] = {}
    findings: list[Diagnostic] = []
    for key, item in content.items():
        axis, about = _axis(key, item)
        findings += about
        if axis and axis.path in axes:
            findings.append(_finding(f"duplicate key {key!r} in the matrix", item.key))
        elif axis:
            axes[axis.path] = axis
    return list(axes.values()), findings


def pinned(axes: Iterable[Axis], overrides: Iterable[Assignment]) -> list[Axis]:
    """The axes, each that an override sets reduced to that value."""
    values = {override.path: override.value for override in overrides}
    return [
        replace(axis, values=(values[axis.path],)) if axis.path in values else axis for axis in axes
    ]


def combinations(axes: Sequence[Axis]) -> Iterator[Combination]:
    """All combinations, the last axis varying fastest; one empty combination without axes."""
    return itertools.product(*(range(len(axis.values)) for axis in axes))


def assignments(axes: Sequence[Axis], combination: Combination) -> list[Assignment]:
    """The assignments of one member, outer keys first.

    A component comes before its parameters, because a new component drops the old parameters.
    """
    several = [axis.assignment(index) for axis, index in zip(axes, combination, strict=True)]
    return sorted(several, key=lambda one: (len(one.path), one.path[-1] != "use"))


def count(axes: Iterable[Axis]) -> int:
    """The number of combinations."""
    return math.prod(len(axis.values) for axis in axes)


def too_many(axes: Sequence[Axis], values: int, span: Span) -> Diagnostic | None:
    """The finding for a grid that exceeds the limits; ``values`` is the size of one spec."""
    size = count(axes)
    if size > MAX_COMBINATIONS:
        message = f"the matrix has {size:,} combinations, the limit is {MAX_COMBINATIONS:,}"
    elif size * values > MAX_VALUES:
        message = (
            f"the matrix has {size:,} specs of {values:,} values each, "
            f"the limit is {MAX_VALUES:,} values"
        )
    else:
        return None
    return _finding(message, span, "use fewer values, or split it into several files")


def hidden(axes: Iterable[Axis], layers: Sequence[Node]) -> Iterator[Diagnostic]:
    """Findings for values that a spec sets although the matrix of a base varies them."""
    for axis in axes:
        varying = [index for index, root in enumerate(layers) if _varies(root, axis.key)]
        for root in layers[varying[-1] + 1 :] if varying else ():
            place = Document("", root).key_span(axis.path)
            if place:
                yield Diagnostic(
                    "VZ208",
                    f"this value has no effect: a matrix varies {axis.key!r}",
                    place,
                    hint=f"write matrix: {{{axis.key}: […]}} to vary it differently, "
                    "or matrix: null to drop the matrix",
                    related=(Related("varied here", axis.span),),
                )


def plain(data: Any) -> str:
    """Canonical JSON: equal values give equal text."""
    return json.dumps(_plain(data), sort_keys=True)


def _axis(key: str, item: Item) -> tuple[Axis | None, list[Diagnostic]]:
    path = parts_of(key)
    if path is None:
        hint = "separate keys with dots, such as model.encoder.channels"
        return None, [_finding(f"{key!r} is not a valid key path", item.key, hint)]
    if path[0] in FIXED:
        message = f"the matrix cannot vary {key!r}: {FIXED[str(path[0])]}"
        return None, [_finding(message, item.key)]
    listed = item.value.content
    if not isinstance(listed, list):
        return None, [_not_a_list(key, item.value)]
    if not listed:
        message = f"the matrix has no values for {key!r}"
        return None, [_finding(message, item.value.span, "list at least one value")]
    values: dict[str, Node] = {}
    findings = []
    for node in listed:
        first = values.setdefault(plain(node.data()), node)
        if first is not node:
            message = f"duplicate value for {key!r} in the matrix"
            finding = _finding(message, node.span, "remove one of the two")
            findings.append(replace(finding, related=(Related("first given here", first.span),)))
    return Axis(key, path, item.key, _keys(key, item.key), tuple(values.values())), findings


def _not_a_list(key: str, value: Node) -> Diagnostic:
    if isinstance(value.content, dict) and value.content:
        inner = f"{key}.{next(iter(value.content))}"
        hint = f"write the full path: {inner}: [first, second]"
    else:
        hint = f"write {key}: [first, second]"
    return _finding(f"the matrix needs a list of values for {key!r}", value.span, hint)


def _keys(key: str, span: Span) -> tuple[Span, ...]:
    """The position of each part of the key; all parts of a quoted key share one position."""
    if span.end.column - span.start.column == len(key):
        return spans_of(key, span.source, span.start)
    return (span,) * (key.count(".") + 1)


def _varies(root: Node, key: str) -> bool:
    matrix = root.child(KEY)
    return matrix is not None and matrix.child(key) is not None


def _plain(data: Any) -> Any:
    match data:
        case bool():
            return data
        case float() if data.is_integer():
            return int(data)
        case dict():
            return {name: _plain(value) for name, value in data.items()}
        case list():
            return [_plain(value) for value in data]
    return data


def _finding(message: str, span: Span, hint: str | None = None) -> Diagnostic:
    return Diagnostic("VZ208", message, span, hint=hint)
