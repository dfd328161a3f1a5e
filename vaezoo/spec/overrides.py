"""``--set key.path=value``: single values on top of a spec, each checked like the file."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.compose import MOST_LEVELS, compose
from vaezoo.spec.merge import expanded
from vaezoo.spec.nodes import Document, Item, Node, Path
from vaezoo.spec.structure import default_component

OPTION = "--set"
_FORM = "write key.path=value, such as loss.beta=2 or visualizers.0.n=10"


def apply_overrides(
    document: Document, overrides: tuple[str, ...]
) -> tuple[Document, list[Diagnostic]]:
    """The document with each override in turn, and findings about those that do not work."""
    root = document.root
    findings: list[Diagnostic] = []
    for text in overrides:
        try:
            override = _read(text)
            root = _set(root, override, 0)
        except SpecError as error:
            findings += error.diagnostics
    return Document(document.source, root), findings


@dataclass(frozen=True)
class _Override:
    source: str
    path: Path
    keys: tuple[Span, ...]
    value: Node


def _read(text: str) -> _Override:
    """``text`` parsed; spans count in the argument as it is typed, ``--set`` included."""
    source = f"{OPTION} {text}"
    start = len(source) - len(text) + 1
    name, equals, value = text.partition("=")
    if not equals:
        raise _refused(f"{text!r} has no '='", _span(source, start, len(text)), _FORM)
    parts = name.split(".")
    if not all(part.strip() == part != "" for part in parts) or len(parts) > MOST_LEVELS:
        raise _refused(f"{name!r} is not the path of a key", _span(source, start, len(name)), _FORM)
    if parts == ["extends"]:
        raise _refused("'extends' cannot be set", _span(source, start, len(name)))
    keys = []
    for part in parts:
        keys.append(_span(source, start, len(part)))
        start += len(part) + 1
    # spaces in place of the key make YAML count columns in the whole argument
    node, findings = compose(" " * (start - 1) + value, source)
    if node is None:
        hint = "null stands for nothing, '' for empty text"
        raise _refused(f"{name!r} is given no value", _span(source, start, 1), hint)
    if findings:
        raise SpecError(*findings)
    path = tuple(int(part) if part.isdecimal() else part for part in parts)
    return _Override(source, path, tuple(keys), node)


def _set(node: Node | None, override: _Override, depth: int) -> Node:
    """A copy of ``node`` in which the rest of the override's path holds its value."""
    if depth == len(override.path):
        return override.value
    part, key = override.path[depth], override.keys[depth]
    if node is None or node.content is None:
        node = _unwritten(override, depth)
    node = expanded(node)
    if isinstance(node.content, list):
        return _set_item(node, node.content, override, depth)
    if not isinstance(node.content, dict):
        name = ".".join(str(p) for p in override.path[:depth])
        raise _refused(f"{name!r} is a single value and has no {str(part)!r}", key)
    name = str(part)
    if name == "use" and depth + 1 == len(override.path):
        return _set_use(node, override, key)
    beneath = node.content.get(name)
    value = _set(beneath.value if beneath else None, override, depth + 1)
    return Node({**node.content, name: Item(key, value)}, node.span)


def _set_item(node: Node, items: list[Node], override: _Override, depth: int) -> Node:
    part, key = override.path[depth], override.keys[depth]
    if not isinstance(part, int):
        raise _refused(f"a list has numbered items, no {part!r}", key, _FORM)
    if part >= len(items):
        there = f"0 to {len(items) - 1}" if items else "none"
        raise _refused(f"the list has no item {part}", key, f"its items: {there}")
    changed = list(items)
    changed[part] = _set(items[part], override, depth + 1)
    return Node(changed, node.span)


def _set_use(node: Node, override: _Override, key: Span) -> Node:
    """Another component leaves none of the former one's parameters behind."""
    assert isinstance(node.content, dict)
    former = node.content.get("use")
    same = former is not None and former.value.content == override.value.content
    kept = node.content if same else {}
    return Node({**kept, "use": Item(key, override.value)}, node.span)


def _unwritten(override: _Override, depth: int) -> Node:
    """What a path that the spec does not have holds: the default component, or nothing yet."""
    key = override.keys[depth - 1] if depth else override.keys[0]
    default = default_component(override.path[:depth])
    return Node(default if default is not None else {}, key)


def _span(source: str, column: int, length: int) -> Span:
    return Span(source, Position(1, column), Position(1, column + max(length, 1)))


def _refused(message: str, span: Span, hint: str | None = None) -> SpecError:
    return SpecError(Diagnostic("VZ207", message, span, hint=hint))
