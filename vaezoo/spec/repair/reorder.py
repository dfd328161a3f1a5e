"""Sort the sections of a spec, each with the comments above it.

Done on lines of text, because a YAML library that keeps comments would reformat the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from vaezoo.diagnostics import LINE_BREAK
from vaezoo.spec.nodes import Document
from vaezoo.spec.repair.edits import EditableText
from vaezoo.spec.spec import Spec

#: The order of sections in the shipped specs.
ORDER = ("extends", *Spec.model_fields, "matrix")
#: A comment about the file for an editor, which stays at the top.
_EDITOR_COMMENT = re.compile(r"#\s*yaml-language-server:|#\s*-\*-|#\s*vim?:")
_LAST_BREAK = re.compile(f"(?:{LINE_BREAK.pattern})\\Z")


class _Layout(NamedTuple):
    """A text cut into sections: each block is a key with its value and the comments above.

    ``gaps`` are the empty lines after each block; they stay in place when blocks move.
    """

    head: str
    blocks: list[str]
    gaps: list[str]
    tail: str


def in_order(source: EditableText, document: Document) -> EditableText | None:
    """The text with its sections sorted.

    None if they are sorted, or if a comment may belong to more than one section. The caller must
    check that the result has the same data: an alias may not precede its anchor.
    """
    content = document.root.content
    assert isinstance(content, dict)
    keys = list(content)
    starts = [item.key.start for item in content.values()]
    if not set(keys) <= set(ORDER) or any(start.column != 1 for start in starts):
        return None  # unknown keys; in braces, indented, or written with a question mark
    order = sorted(range(len(keys)), key=lambda index: ORDER.index(keys[index]))
    if order == list(range(len(keys))):
        return None
    lines = list(source.lines)
    is_ended = _LAST_BREAK.search(lines[-1])
    if not is_ended:  # the last line may move up
        lines[-1] += LINE_BREAK.findall(source.text)[0]
    layout = _cut(lines, [start.line - 1 for start in starts], order)
    if layout is None:
        return None
    blocks = (layout.blocks[index] + gap for index, gap in zip(order, layout.gaps, strict=True))
    text = layout.head + "".join(blocks) + layout.tail
    return replace(source, text=text if is_ended else _LAST_BREAK.sub("", text))


def _cut(lines: Sequence[str], starts: Sequence[int], order: Sequence[int]) -> _Layout | None:
    """The sections that start at the lines ``starts``; None if a comment is ambiguous."""
    head = lines[: starts[0]]
    if order[0] != 0 and head and _is_comment(head[-1]) and not _EDITOR_COMMENT.match(head[-1]):
        return None  # about the file or about its first key
    blocks, gaps, above = [], [], ""
    for start, end in pairwise(starts):
        last = _end_of_value(lines, start, end)
        first_above = end
        while first_above > last and _is_comment(lines[first_above - 1]):
            first_above -= 1
        gap = lines[last:first_above]
        if any(map(_is_comment, gap)):
            return None  # a comment between empty lines
        blocks.append(above + "".join(lines[start:last]))
        gaps.append("".join(gap))
        above = "".join(lines[first_above:end])
    last = _end_of_value(lines, starts[-1], len(lines))
    if order[-1] != len(starts) - 1 and last < len(lines) and _is_comment(lines[last]):
        return None
    blocks.append(above + "".join(lines[starts[-1] : last]))
    return _Layout("".join(head), blocks, [*gaps, ""], "".join(lines[last:]))


def _end_of_value(lines: Sequence[str], start: int, end: int) -> int:
    """The line after the last one of a section that is not empty or a comment."""
    while end > start + 1 and (_is_comment(lines[end - 1]) or not lines[end - 1].strip()):
        end -= 1
    return end


def _is_comment(line: str) -> bool:
    """Whether the line is an unindented comment; an indented one belongs to a value."""
    return line.startswith("#")
