"""A spec's sections in their usual order, each moved with the comments that belong to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from vaezoo.diagnostics import LINE_BREAK
from vaezoo.spec.nodes import Document
from vaezoo.spec.repair.edits import EditableText
from vaezoo.spec.spec import Spec

#: The sections as the shipped specs have them.
ORDER = ("extends", *Spec.model_fields, "matrix")
#: A comment that speaks of the file to an editor, and stays on top.
_OF_THE_FILE = re.compile(r"#\s*yaml-language-server:|#\s*-\*-|#\s*vim?:")


@dataclass(frozen=True)
class _Layout:
    """A text cut into sections: each ``block`` is a key with its value and the comments above.

    ``gaps`` are the empty lines after each; they stay where they are when blocks move.
    """

    head: str
    blocks: tuple[str, ...]
    gaps: tuple[str, ...]
    tail: str


def in_order(source: EditableText, document: Document) -> EditableText | None:
    """The text with its sections in order.

    None where they are, or where a comment or a gap leaves it open what belongs to what. That
    the text still says the same is for the caller to see: an alias may not come before its
    anchor.
    """
    content = document.root.content
    assert isinstance(content, dict)
    keys = list(content)
    if not set(keys) <= set(ORDER):
        return None
    wanted = sorted(range(len(keys)), key=lambda index: ORDER.index(keys[index]))
    if wanted == list(range(len(keys))):
        return None
    starts = [item.key.start for item in content.values()]
    if any(start.column != 1 for start in starts):
        return None  # in braces, indented, or written with a question mark
    layout = _cut(source.lines, [start.line - 1 for start in starts], wanted)
    return replace(source, text=_joined(layout, wanted)) if layout else None


def _cut(lines: Sequence[str], starts: Sequence[int], wanted: Sequence[int]) -> _Layout | None:
    """The sections that begin at the lines ``starts``."""
    head = list(lines[: starts[0]])
    if wanted[0] != 0 and head and _is_comment(head[-1]) and not _OF_THE_FILE.match(head[-1]):
        return None  # does it speak of the file or of its first key?
    blocks, gaps, above = [], [], ""
    for start, end in pairwise(starts):
        last = _end_of_value(lines, start, end)
        first_above = end
        while first_above > last and _is_comment(lines[first_above - 1]):
            first_above -= 1
        gap = lines[last:first_above]
        if any(map(_is_comment, gap)):
            return None  # a comment that stands alone
        blocks.append(above + "".join(lines[start:last]))
        gaps.append("".join(gap))
        above = "".join(lines[first_above:end])
    last = _end_of_value(lines, starts[-1], len(lines))
    if wanted[-1] != len(starts) - 1 and last < len(lines) and _is_comment(lines[last]):
        return None
    blocks.append(above + "".join(lines[starts[-1] : last]))
    return _Layout("".join(head), tuple(blocks), (*gaps, ""), "".join(lines[last:]))


def _end_of_value(lines: Sequence[str], start: int, end: int) -> int:
    """The line after the last one of a section that is neither empty nor a comment."""
    while end > start + 1 and (_is_comment(lines[end - 1]) or not lines[end - 1].strip()):
        end -= 1
    return end


def _is_comment(line: str) -> bool:
    """Whether the line is a comment at the margin; one that is indented belongs to a value."""
    return line.startswith("#")


def _joined(layout: _Layout, wanted: Sequence[int]) -> str:
    blocks = [layout.blocks[index] for index in wanted]
    unended = next((i for i, block in enumerate(blocks) if not _line_break(block)), None)
    if unended is not None and unended < len(blocks) - 1:  # the text's last line, which moves
        ending = _line_break(blocks[-1])
        blocks[unended] += ending
        blocks[-1] = blocks[-1].removesuffix(ending)
    parts = (block + gap for block, gap in zip(blocks, layout.gaps, strict=True))
    return layout.head + "".join(parts) + layout.tail


def _line_break(block: str) -> str:
    """What a block's last line ends with."""
    ending = re.search(f"(?:{LINE_BREAK.pattern})\\Z", block)
    return ending[0] if ending else ""
