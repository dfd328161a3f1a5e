"""Values and rows as lines of text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vaezoo.diagnostics.printable import printable

_WIDEST = 60


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand under each other."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def shown(value: Any) -> str:
    """JSON data in one line of bounded length, words without quotes."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return printable(line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…")
