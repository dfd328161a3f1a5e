"""Merge a spec over its base: mappings merge, other values replace."""

from __future__ import annotations

from vaezoo.registry.fields.schedule import SHAPES
from vaezoo.spec.nodes import Item, Node


def merge(base: Node, over: Node) -> Node:
    """``over`` merged over ``base``; every node keeps its position.

    ``name`` is the same as ``{use: name}``. A component with another ``use`` replaces the base's
    component with all its parameters. A schedule, one value written as a mapping, replaces too.
    """
    if not isinstance(over.content, dict) or _is_schedule(over):
        return over
    below = expanded(base)
    if not isinstance(below.content, dict) or _is_schedule(below):
        return over
    use, base_use = over.content.get("use"), below.content.get("use")
    if use and base_use and use.value.content != base_use.value.content:
        return over
    content = dict(below.content)
    for name, item in over.content.items():
        inherited = below.content.get(name)
        value = merge(inherited.value, item.value) if inherited else item.value
        content[name] = Item(item.key, value)
    return Node(content, over.span)


def expanded(node: Node) -> Node:
    """Expand ``name`` to ``{use: name}``; other nodes are unchanged."""
    if isinstance(node.content, str):
        return Node({"use": Item(node.span, node)}, node.span)
    return node


def _is_schedule(node: Node) -> bool:
    return isinstance(node.content, dict) and any(shape in node.content for shape in SHAPES)
