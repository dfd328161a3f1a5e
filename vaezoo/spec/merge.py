"""How a spec lies over its base: mappings merge, everything else replaces."""

from __future__ import annotations

from vaezoo.registry.fields.schedule import SHAPES
from vaezoo.spec.nodes import Item, Node


def merge(base: Node, over: Node) -> Node:
    """``over`` on top of ``base``; every node keeps the place where it was written.

    A component's short form is its long form without parameters. One that names another
    ``use`` replaces the base's wholly, since parameters of the old one mean nothing to the
    new; so does a schedule, which is one value although it is written as a mapping.
    """
    if not isinstance(over.content, dict) or _is_schedule(over):
        return over
    below = expanded(base)
    if not isinstance(below.content, dict) or _is_schedule(below):
        return over
    named, before = over.content.get("use"), below.content.get("use")
    if named and before and named.value.content != before.value.content:
        return over
    content = dict(below.content)
    for name, item in over.content.items():
        beneath = below.content.get(name)
        value = merge(beneath.value, item.value) if beneath else item.value
        content[name] = Item(item.key, value)
    return Node(content, over.span)


def expanded(node: Node) -> Node:
    """A component's short form ``name`` as ``{use: name}``; any other node as it is."""
    if isinstance(node.content, str):
        return Node({"use": Item(node.span, node)}, node.span)
    return node


def _is_schedule(node: Node) -> bool:
    return isinstance(node.content, dict) and any(shape in node.content for shape in SHAPES)
