"""``matrix``: one file that stands for a grid of specs.

Its keys are dotted paths, its values lists; each combination of values, put in place like
``--set`` puts one, is a spec of its own.
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
MOST_COMBINATIONS = 4096
#: Most values in all combinations together, so that a large spec has a smaller grid.
MOST_VALUES = 1_000_000

_FORM = "write matrix: {loss.beta: [1, 2, 4], model.latent: [2, 10]}"
#: Keys that make no member of a grid differ, and why.
FIXED = {
    "name": "each member gets a name of its own",
    "vaezoo": "all members have one format",
    "extends": "all members extend the same specs",
    KEY: "a matrix holds no other",
}


@dataclass(frozen=True)
class Axis:
    """A key that the matrix varies, and its values; ``keys`` are the places of its parts."""

    key: str
    path: Path
    span: Span
    keys: tuple[Span, ...]
    values: tuple[Node, ...]

    def assignment(self, index: int) -> Assignment:
        """The value at ``index``, to be put into a spec."""
        return Assignment(self.path, self.keys, self.values[index], "VZ208")


#: Which value of each axis a member has.
Combination = tuple[int, ...]


def read_axes(matrix: Item) -> tuple[list[Axis], list[Diagnostic]]:
    """The axes that a spec's ``matrix`` holds, and what is wrong with it."""
    content = matrix.value.content
    if content is None:  # how a spec that extends another one does without its matrix
        return [], []
    if not isinstance(content, dict):
        message = "'matrix' must be a mapping from keys to lists of values"
        return [], [_refused(message, matrix.value.span, _FORM)]
    if not content:
        return [], [_refused("this matrix varies nothing", matrix.value.span, _FORM)]
    axes: dict[Path, Axis] = {}
    findings: list[Diagnostic] = []
    for key, item in content.items():
        axis, about = _axis(key, item)
        findings += about
        if axis and axis.path in axes:
            findings.append(_refused(f"the matrix has the key {key!r} twice", item.key))
        elif axis:
            axes[axis.path] = axis
    return list(axes.values()), findings


def pinned(axes: Iterable[Axis], overrides: Iterable[Assignment]) -> list[Axis]:
    """The axes with those that an override sets reduced to its value."""
    values = {override.path: override.value for override in overrides}
    return [
        replace(axis, values=(values[axis.path],)) if axis.path in values else axis for axis in axes
    ]


def combinations(axes: Sequence[Axis]) -> Iterator[Combination]:
    """Every combination, the last axis moving fastest; a single empty one without axes."""
    return itertools.product(*(range(len(axis.values)) for axis in axes))


def assignments(axes: Sequence[Axis], combination: Combination) -> list[Assignment]:
    """What makes a member: outer keys before inner ones, and the component before its
    parameters, since another component drops those of the former."""
    several = [axis.assignment(index) for axis, index in zip(axes, combination, strict=True)]
    return sorted(several, key=lambda one: (len(one.path), one.path[-1] != "use"))


def count(axes: Iterable[Axis]) -> int:
    """How many combinations there are."""
    return math.prod(len(axis.values) for axis in axes)


def too_many(axes: Sequence[Axis], values: int, span: Span) -> Diagnostic | None:
    """The finding about a grid too large to be looked at, for a spec of so many values."""
    size = count(axes)
    if size > MOST_COMBINATIONS:
        message = f"this matrix has {size:,} combinations; at most {MOST_COMBINATIONS:,} can be"
        return _refused(message, span, "give it fewer values, or make several specs of it")
    if size * values > MOST_VALUES:
        message = f"this matrix makes {size:,} specs of {values:,} values each, which is too much"
        return _refused(message, span, "give it fewer values, or make several specs of it")
    return None


def hidden(axes: Iterable[Axis], layers: Sequence[Node]) -> Iterator[Diagnostic]:
    """Values that a spec sets although the matrix of one of its bases varies them."""
    for axis in axes:
        says = [index for index, root in enumerate(layers) if _varies(root, axis.key)]
        for root in layers[says[-1] + 1 :] if says else ():
            place = Document("", root).key_span(axis.path)
            if place:
                yield Diagnostic(
                    "VZ208",
                    f"this counts for nothing: a matrix varies {axis.key!r}",
                    place,
                    hint=f"write matrix: {{{axis.key}: […]}} here to vary it otherwise, "
                    "or matrix: null to do without",
                    related=(Related("varied here", axis.span),),
                )


def plain(data: Any) -> str:
    """JSON data as a text that is the same for values that mean the same."""
    return json.dumps(_plain(data), sort_keys=True)


def _axis(key: str, item: Item) -> tuple[Axis | None, list[Diagnostic]]:
    path = parts_of(key)
    if path is None:
        hint = "write the keys with dots between them, such as model.encoder.channels"
        return None, [_refused(f"{key!r} is not the path of a key", item.key, hint)]
    if path[0] in FIXED:
        message = f"the matrix cannot vary {key!r}: {FIXED[str(path[0])]}"
        return None, [_refused(message, item.key)]
    listed = item.value.content
    if not isinstance(listed, list):
        return None, [_not_a_list(key, item.value)]
    if not listed:
        return None, [_refused(f"the matrix gives {key!r} no value", item.value.span)]
    values: dict[str, Node] = {}
    findings = []
    for node in listed:
        first = values.setdefault(plain(node.data()), node)
        if first is not node:
            message = f"the matrix gives {key!r} this value twice"
            where = (Related("it first stands here", first.span),)
            findings.append(replace(_refused(message, node.span), related=where))
    return Axis(key, path, item.key, _keys(key, item.key), tuple(values.values())), findings


def _not_a_list(key: str, value: Node) -> Diagnostic:
    if isinstance(value.content, dict) and value.content:
        inner = f"{key}.{next(iter(value.content))}"
        hint = f"write the whole path: {inner}: [first, second]"
    else:
        hint = f"write {key}: [first, second]"
    return _refused(f"the matrix needs a list of values for {key!r}", value.span, hint)


def _keys(key: str, span: Span) -> tuple[Span, ...]:
    """Where each part of the key stands; a key in quotes is all of one place."""
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


def _refused(message: str, span: Span, hint: str | None = None) -> Diagnostic:
    return Diagnostic("VZ208", message, span, hint=hint)
