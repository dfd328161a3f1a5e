"""Format values, counts and rows as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vaezoo.diagnostics.printable import printable

_WIDEST = 60


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def counted(number: int, noun: str) -> str:
    """Such as ``1 epoch`` or ``3 epochs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(value: Any) -> str:
    """JSON data in one line of bounded length, strings without quotes."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return printable(line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…")
