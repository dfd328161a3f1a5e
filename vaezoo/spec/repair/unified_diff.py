"""A unified diff of two texts in the exact form that ``patch`` reads."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from vaezoo.diagnostics.printable import printable


def unified(path: Path, before: bytes, after: bytes) -> str:
    """The diff from ``before`` to ``after``, both UTF-8."""
    name = printable(str(path))
    lines = difflib.unified_diff(_lines(before), _lines(after), fromfile=name, tofile=name)
    return "".join(map(_ended, lines))


def _lines(content: bytes) -> list[str]:
    """Lines as ``patch`` splits them: only at line feeds."""
    return re.findall("[^\n]*\n|[^\n]+", content.decode("utf-8"))


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
