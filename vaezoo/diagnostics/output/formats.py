"""Look up an output format by name; import it on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from vaezoo.diagnostics.output.locations import checkout
from vaezoo.diagnostics.output.spec_report import Report

#: Values of ``--format``; each is a module in this folder.
FORMATS = ("text", "json", "github", "sarif", "junit")


def formatted(report: Report, name: str, root: Path | None = None) -> str:
    """The report in one of ``FORMATS``, with a final line break.

    ``root`` is the base of relative paths, by default the checkout or the current folder. Raises
    ValueError for an unknown format.
    """
    if name not in FORMATS:
        raise ValueError(f"{name!r} is not a format; the formats are {', '.join(FORMATS)}")
    module = importlib.import_module(f"vaezoo.diagnostics.output.{name}")
    write: Callable[[Report, Path], str] = module.report
    text = write(report, root or checkout())
    return text.encode("utf-8", "replace").decode()  # file names may contain surrogates
