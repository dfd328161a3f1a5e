"""Build the node trees of all specs of a file from its layers, ``--set`` and its matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vaezoo.diagnostics import Diagnostic
from vaezoo.spec import matrix
from vaezoo.spec.extends import Layers
from vaezoo.spec.matrix import Axis, Combination
from vaezoo.spec.member_names import member_names
from vaezoo.spec.nodes import Document, Item, Node, Path
from vaezoo.spec.overrides import Assignment, assign_all

_DEFAULT_NAME = "member"


@dataclass(frozen=True)
class Text:
    """One member's node tree after each layer and assignment, the lowest base first."""

    source: str
    states: tuple[Node, ...]

    @property
    def document(self) -> Document:
        """The final tree as a document."""
        return Document(self.source, self.states[-1])


@dataclass(frozen=True)
class MatrixTexts:
    """The common part of all members of a file, and the axes that vary.

    Without a matrix there are no axes and one empty combination. ``inner`` holds ``--set``
    assignments inside values of the matrix, which are applied after them.
    """

    common: Text
    axes: tuple[Axis, ...] = ()
    combinations: tuple[Combination, ...] = ((),)
    inner: tuple[Assignment, ...] = ()
    findings: list[Diagnostic] = field(default_factory=list)

    def member(self, combination: Combination) -> tuple[Text, list[Diagnostic]]:
        """The text of one member, and findings for paths that do not exist in it."""
        states = list(self.common.states)
        findings: list[Diagnostic] = []
        for one in (*matrix.assignments(self.axes, combination), *self.inner):
            top, wrong = assign_all(states[-1], [one])
            findings += wrong
            states.append(top)
        return Text(self.common.source, tuple(states)), findings

    def names(self) -> list[str]:
        """The name of each member; without axes, the name in the file."""
        written = self.common.document.root.child("name")
        base = written.content if written else None
        rows = [[node.data() for node in self.values(one).values()] for one in self.combinations]
        paths = [axis.path for axis in self.axes]
        return member_names(base if isinstance(base, str) else _DEFAULT_NAME, paths, rows)

    def values(self, combination: Combination) -> dict[str, Node]:
        """The member's value for each key of the matrix."""
        pairs = zip(self.axes, combination, strict=True)
        return {axis.key: axis.values[index] for axis, index in pairs}


def lay_out(layers: Layers, given: Sequence[Assignment]) -> MatrixTexts:
    """The grid of a file with the assignments ``given`` by ``--set``.

    An assignment to a varied key replaces its axis with the one value. Assignments above a
    varied key are applied before the matrix, assignments inside one after it.
    """
    about_matrix = [one for one in given if one.path[0] == matrix.KEY]
    others = [one for one in given if one.path[0] != matrix.KEY]
    states = layers.states()
    top, findings = assign_all(states[-1], about_matrix)
    axes, found = _axes(top, layers, others)
    findings += found
    varied = [axis.path for axis in axes]
    inner = [one for one in others if _inside(one.path, varied)]
    for one in others:
        if one.path not in varied and one not in inner:
            top, wrong = assign_all(top, [one])
            findings += wrong
            states.append(top)
    common = Text(layers.source, tuple(_without_matrix(state) for state in states))
    combinations, found = _combinations(top, axes)
    return MatrixTexts(common, tuple(axes), combinations, tuple(inner), [*findings, *found])


def _axes(
    top: Node, layers: Layers, others: Iterable[Assignment]
) -> tuple[list[Axis], list[Diagnostic]]:
    item = _matrix(top)
    if item is None:
        return [], []
    axes, findings = matrix.read_axes(item)
    findings += matrix.hidden(axes, layers.roots)
    return matrix.pinned(axes, others), findings


def _combinations(
    top: Node, axes: Sequence[Axis]
) -> tuple[tuple[Combination, ...], list[Diagnostic]]:
    """All combinations, or only the first if they exceed the limits."""
    item = _matrix(top)
    several = matrix.combinations(axes)
    excess = matrix.too_many(axes, _size(top), item.key) if item else None
    if excess:
        return (next(several),), [excess]
    return tuple(several), []


def _matrix(root: Node) -> Item | None:
    assert isinstance(root.content, dict)
    return root.content.get(matrix.KEY)


def _without_matrix(root: Node) -> Node:
    assert isinstance(root.content, dict)
    if matrix.KEY not in root.content:
        return root
    return Node({k: item for k, item in root.content.items() if k != matrix.KEY}, root.span)


def _inside(path: Path, varied: Iterable[Path]) -> bool:
    return any(path[: len(outer)] == outer and path != outer for outer in varied)


def _size(node: Node) -> int:
    """The number of values in a node, including itself."""
    below: Iterable[Node] = ()
    if isinstance(node.content, dict):
        below = (item.value for item in node.content.values())
    elif isinstance(node.content, list):
        below = node.content
    return 1 + sum(_size(inner) for inner in below)
