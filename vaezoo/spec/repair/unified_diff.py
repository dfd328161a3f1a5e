"""A unified diff of two texts, byte for byte as ``patch`` wants it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from vaezoo.diagnostics.printable import printable


def unified(path: Path, before: bytes, after: bytes) -> str:
    """From ``before`` to ``after``, which are UTF-8."""
    name = printable(str(path))
    lines = difflib.unified_diff(_lines(before), _lines(after), fromfile=name, tofile=name)
    return "".join(map(_ended, lines))


def _lines(content: bytes) -> list[str]:
    """Lines as ``patch`` has them: only a line feed ends one."""
    return re.findall("[^\n]*\n|[^\n]+", content.decode("utf-8"))


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
