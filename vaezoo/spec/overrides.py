"""Single values put into a spec by the path of their key: ``--set`` arguments, and a matrix.

What is put in is checked like the file, and its place is where it was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.compose import MOST_LEVELS, compose
from vaezoo.spec.merge import expanded
from vaezoo.spec.nodes import Item, Node, Path
from vaezoo.spec.structure import default_at

OPTION = "--set"
_FORM = "write key.path=value, such as loss.beta=2 or visualizers.0.n=10"


@dataclass(frozen=True)
class Assignment:
    """A value for the key at ``path``; ``keys`` are the places of the path's parts.

    ``code`` is that of findings about a path that leads nowhere.
    """

    path: Path
    keys: tuple[Span, ...]
    value: Node
    code: str


def read_overrides(overrides: Iterable[str]) -> tuple[list[Assignment], list[Diagnostic]]:
    """``--set`` arguments as assignments, and findings about those that are none."""
    assignments: list[Assignment] = []
    findings: list[Diagnostic] = []
    for text in overrides:
        try:
            assignments.append(_read(text))
        except SpecError as error:
            findings += error.diagnostics
    return assignments, findings


def assign(root: Node, assignment: Assignment) -> Node:
    """A copy of ``root`` in which the assignment's path holds its value.

    Raises SpecError where the path leads into a value that has no parts.
    """
    return _put(root, assignment, 0)


def assign_all(root: Node, several: Iterable[Assignment]) -> tuple[Node, list[Diagnostic]]:
    """``root`` with each assignment in turn, and findings about those that lead nowhere."""
    findings: list[Diagnostic] = []
    for assignment in several:
        try:
            root = assign(root, assignment)
        except SpecError as error:
            findings += error.diagnostics
    return root, findings


def parts_of(name: str) -> Path | None:
    """A dotted key as a path, whose numbers are places in a list; None where it is none."""
    parts = name.split(".")
    if not all(part.strip() == part != "" for part in parts) or len(parts) > MOST_LEVELS:
        return None
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def spans_of(name: str, source: str, start: Position) -> tuple[Span, ...]:
    """The places of a dotted key's parts, where the key is written from ``start`` on."""
    spans, column = [], start.column
    for part in name.split("."):
        spans.append(_span(source, column, len(part), start.line))
        column += len(part) + 1
    return tuple(spans)


def _read(text: str) -> Assignment:
    """``text`` parsed; spans count in the argument as it is typed, ``--set`` included."""
    source = f"{OPTION} {text}"
    start = len(source) - len(text) + 1
    name, equals, value = text.partition("=")
    if not equals:
        raise _refused(f"{text!r} has no '='", _span(source, start, len(text)), _FORM)
    path = parts_of(name)
    if path is None:
        raise _refused(f"{name!r} is not the path of a key", _span(source, start, len(name)), _FORM)
    if path == ("extends",):
        raise _refused("'extends' cannot be set", _span(source, start, len(name)))
    # spaces in place of the key make YAML count columns in the whole argument
    node, findings = compose(" " * (start + len(name)) + value, source)
    if node is None:
        hint = "null stands for nothing, '' for empty text"
        raise _refused(f"{name!r} is given no value", _span(source, start + len(name) + 1, 1), hint)
    if findings:
        raise SpecError(*findings)
    keys = spans_of(name, source, Position(1, start))
    if path[0] == "matrix" and len(path) > 1:  # the keys of a matrix are dotted themselves
        path, keys = ("matrix", name.partition(".")[2]), (keys[0], keys[1])
    return Assignment(path, keys, node, "VZ207")


def _put(node: Node | None, given: Assignment, depth: int) -> Node:
    """A copy of ``node`` in which the rest of the path holds the value."""
    if depth == len(given.path):
        return given.value
    part, key = given.path[depth], given.keys[depth]
    if node is None or node.content is None:
        node = _unwritten(given, depth)
    node = expanded(node)
    if isinstance(node.content, list):
        return _put_item(node, node.content, given, depth)
    if not isinstance(node.content, dict):
        name = ".".join(str(p) for p in given.path[:depth])
        raise _nowhere(given, f"{name!r} is a single value and has no {str(part)!r}", key)
    name = str(part)
    if name == "use" and depth + 1 == len(given.path):
        return _put_use(node, given, key)
    beneath = node.content.get(name)
    value = _put(beneath.value if beneath else None, given, depth + 1)
    return Node({**node.content, name: Item(key, value)}, node.span)


def _put_item(node: Node, items: list[Node], given: Assignment, depth: int) -> Node:
    part, key = given.path[depth], given.keys[depth]
    if not isinstance(part, int):
        raise _nowhere(given, f"a list has numbered items, no {part!r}", key, _FORM)
    if part >= len(items):
        there = f"0 to {len(items) - 1}" if items else "none"
        raise _nowhere(given, f"the list has no item {part}", key, f"its items: {there}")
    changed = list(items)
    changed[part] = _put(items[part], given, depth + 1)
    return Node(changed, node.span)


def _put_use(node: Node, given: Assignment, key: Span) -> Node:
    """Another component leaves none of the former one's parameters behind."""
    assert isinstance(node.content, dict)
    former = node.content.get("use")
    same = former is not None and former.value.content == given.value.content
    kept = node.content if same else {}
    return Node({**kept, "use": Item(key, given.value)}, node.span)


def _unwritten(given: Assignment, depth: int) -> Node:
    """What a path that the spec does not have holds: its default components, or nothing yet."""
    key = given.keys[depth - 1] if depth else given.keys[0]
    default = default_at(given.path[:depth])
    if isinstance(default, tuple):
        return Node([Node(name, key) for name in default], key)
    return Node(default if default is not None else {}, key)


def _span(source: str, column: int, length: int, line: int = 1) -> Span:
    return Span(source, Position(line, column), Position(line, column + max(length, 1)))


def _nowhere(given: Assignment, message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic(given.code, message, span, hint=hint))


def _refused(message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic("VZ207", message, span, hint=hint))
