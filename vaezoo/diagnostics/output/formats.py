"""The formats by name, each imported when it is used."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from vaezoo.diagnostics.output.locations import checkout
from vaezoo.diagnostics.output.spec_report import Report

#: What ``--format`` takes; each is a module of this room.
FORMATS = ("text", "json", "github", "sarif", "junit")


def formatted(report: Report, name: str, root: Path | None = None) -> str:
    """The whole report in one of ``FORMATS``, ending in a line break.

    ``root`` is the folder that paths are relative to where a format wants them so: the
    checkout's, or else the current one. Raises ValueError for another name.
    """
    if name not in FORMATS:
        raise ValueError(f"{name!r} is not a format; the formats are {', '.join(FORMATS)}")
    module = importlib.import_module(f"vaezoo.diagnostics.output.{name}")
    write: Callable[[Report, Path], str] = module.report
    text = write(report, root or checkout())
    return text.encode("utf-8", "replace").decode()  # no halves of characters, as in odd file names
