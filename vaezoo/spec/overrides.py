"""Set single values of a spec by key path, for ``--set`` and ``matrix``.

The values are validated like those of the file. Each keeps the position where it was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.compose import MAX_LEVELS, compose
from vaezoo.spec.merge import expanded
from vaezoo.spec.nodes import Item, Node, Path
from vaezoo.spec.structure import default_at

OPTION = "--set"
_FORM = "write key.path=value, such as loss.beta=2 or visualizers.0.n=10"


@dataclass(frozen=True)
class Assignment:
    """A value for the key at ``path``; ``keys`` holds the position of each part of the path.

    ``code`` is the code of findings about a path that does not exist.
    """

    path: Path
    keys: tuple[Span, ...]
    value: Node
    code: str


def read_overrides(overrides: Iterable[str]) -> tuple[list[Assignment], list[Diagnostic]]:
    """Parse ``--set`` arguments into assignments, with findings for the invalid ones."""
    assignments: list[Assignment] = []
    findings: list[Diagnostic] = []
    for text in overrides:
        try:
            assignments.append(_read(text))
        except SpecError as error:
            findings += error.diagnostics
    return assignments, findings


def assign(root: Node, assignment: Assignment) -> Node:
    """A copy of ``root`` with the assignment's value at its path.

    Raises SpecError if the path leads into a scalar or to an item that does not exist.
    """
    return _put(root, assignment, 0)


def assign_all(root: Node, several: Iterable[Assignment]) -> tuple[Node, list[Diagnostic]]:
    """Apply the assignments in order; return the result and findings for invalid paths."""
    findings: list[Diagnostic] = []
    for assignment in several:
        try:
            root = assign(root, assignment)
        except SpecError as error:
            findings += error.diagnostics
    return root, findings


def parts_of(name: str) -> Path | None:
    """Parse a dotted key into a path, with integers as list indices; None if it is invalid."""
    parts = name.split(".")
    if not all(part.strip() == part != "" for part in parts) or len(parts) > MAX_LEVELS:
        return None
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def spans_of(name: str, source: str, start: Position) -> tuple[Span, ...]:
    """The position of each part of a dotted key that starts at ``start``."""
    spans, column = [], start.column
    for part in name.split("."):
        spans.append(_span(source, column, len(part), start.line))
        column += len(part) + 1
    return tuple(spans)


def _read(text: str) -> Assignment:
    """Parse one argument; spans count from the start of ``--set``."""
    source = f"{OPTION} {text}"
    start = len(source) - len(text) + 1
    name, equals, value = text.partition("=")
    if not equals:
        raise _error(f"{text!r} has no '='", _span(source, start, len(text)), _FORM)
    path = parts_of(name)
    if path is None:
        raise _error(f"{name!r} is not a valid key path", _span(source, start, len(name)), _FORM)
    if path == ("extends",):
        raise _error("'extends' cannot be set", _span(source, start, len(name)))
    # pad with spaces so that YAML counts columns from the start of the argument
    node, findings = compose(" " * (start + len(name)) + value, source)
    if node is None:
        hint = "write null for no value, '' for empty text"
        raise _error(f"no value for {name!r}", _span(source, start + len(name) + 1, 1), hint)
    if findings:
        raise SpecError(*findings)
    keys = spans_of(name, source, Position(1, start))
    if path[0] == "matrix" and len(path) > 1:  # the keys of a matrix contain dots
        path, keys = ("matrix", name.partition(".")[2]), (keys[0], keys[1])
    return Assignment(path, keys, node, "VZ207")


def _put(node: Node | None, given: Assignment, depth: int) -> Node:
    """A copy of ``node`` with the value at the rest of the path."""
    if depth == len(given.path):
        return given.value
    part, key = given.path[depth], given.keys[depth]
    if node is None or node.content is None:
        node = _default_node(given, depth)
    node = expanded(node)
    if isinstance(node.content, list):
        return _put_item(node, node.content, given, depth)
    if not isinstance(node.content, dict):
        name = ".".join(str(p) for p in given.path[:depth])
        raise _no_path(given, f"{name!r} is a single value and has no key {str(part)!r}", key)
    name = str(part)
    if name == "use" and depth + 1 == len(given.path):
        return _put_use(node, given, key)
    beneath = node.content.get(name)
    value = _put(beneath.value if beneath else None, given, depth + 1)
    return Node({**node.content, name: Item(key, value)}, node.span)


def _put_item(node: Node, items: list[Node], given: Assignment, depth: int) -> Node:
    part, key = given.path[depth], given.keys[depth]
    if not isinstance(part, int):
        raise _no_path(given, f"{part!r} is not an index into a list", key, _FORM)
    if part >= len(items):
        valid = f"valid indices: 0 to {len(items) - 1}" if items else "the list is empty"
        raise _no_path(given, f"the list has no item {part}", key, valid)
    changed = list(items)
    changed[part] = _put(items[part], given, depth + 1)
    return Node(changed, node.span)


def _put_use(node: Node, given: Assignment, key: Span) -> Node:
    """Set ``use``; another component drops the parameters of the previous one."""
    assert isinstance(node.content, dict)
    previous = node.content.get("use")
    same = previous is not None and previous.value.content == given.value.content
    kept = node.content if same else {}
    return Node({**kept, "use": Item(key, given.value)}, node.span)


def _default_node(given: Assignment, depth: int) -> Node:
    """The node at a path that the spec does not contain: its default components, or empty."""
    key = given.keys[depth - 1] if depth else given.keys[0]
    default = default_at(given.path[:depth])
    if isinstance(default, tuple):
        return Node([Node(name, key) for name in default], key)
    return Node(default if default is not None else {}, key)


def _span(source: str, column: int, length: int, line: int = 1) -> Span:
    return Span(source, Position(line, column), Position(line, column + max(length, 1)))


def _no_path(given: Assignment, message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic(given.code, message, span, hint=hint))


def _error(message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic("VZ207", message, span, hint=hint))
