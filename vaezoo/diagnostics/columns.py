"""Rows of text in aligned columns, with summaries that fit the width."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.diagnostics.printable import in_one_line, printable

#: The least width of a column of summaries; else each has a line of its own, indented.
_LEAST, _INDENT = 36, "    "


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def with_summaries(
    rows: Sequence[Sequence[str]], summaries: Sequence[str], width: int | None
) -> list[str]:
    """Rows as lines with aligned columns, and the summary of each in the last column.

    The first row is the head. If ``width`` leaves too little room for the last column, a summary
    is on the next line. Summaries are cut at ``width``.
    """
    texts = [in_one_line(summary) for summary in summaries]
    lines = aligned(rows)
    start = max(map(len, lines)) + 2
    if width is None or width - start >= _LEAST:
        pairs = zip(lines, texts, strict=True)
        return [_cut(f"{line.ljust(start)}{text}".rstrip(), width) for line, text in pairs]
    below = []
    for line, text in zip(lines[1:], texts[1:], strict=True):
        below += [line, _cut(f"{_INDENT}{text}", width)] if text else [line]
    return [lines[0], *below]


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else f"{line[: width - 1].rstrip()}…"
