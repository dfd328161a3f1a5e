"""Format values, counts and rows as text."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

from vaezoo.diagnostics.printable import printable

_WIDEST = 60


def terminal_width() -> int | None:
    """The width of the terminal, or ``COLUMNS``; None if the output goes elsewhere."""
    if os.environ.get("COLUMNS") or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def counted(number: int, noun: str) -> str:
    """Such as ``1 epoch`` or ``3 epochs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(value: Any) -> str:
    """JSON data in one line of bounded length, strings without quotes."""
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return printable(line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…")
