"""``report``: write the report of one or two entries, as ``vaezoo report`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError
from vaezoo.registry import Registry, discover
from vaezoo.reports.html import to_html
from vaezoo.reports.one_entry import report_of
from vaezoo.reports.pdf import to_pdf, typst_missing
from vaezoo.reports.subject import subject
from vaezoo.reports.two_entries import report_of_two
from vaezoo.system.files import Content, beginning, check_output, write_output
from vaezoo.zoo.sampling import unwritable

#: The content of a file by suffix. A file with other content is not replaced without ``force``.
_FORMATS = {
    ".html": Content("an HTML page", lambda path, head: b"<!doctype html" in head[:200].lower()),
    ".pdf": beginning("a PDF document", b"%PDF-"),
}


def report(
    name: str | Path,
    other: str | Path | None = None,
    *,
    out: str | Path | None = None,
    zoo: str | Path | None = None,
    device: str = "cpu",
    force: bool = False,
    registry: Registry | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Write a report of one entry, or of two side by side: ``vaezoo.report("fashion_mlp2")``.

    ``out`` ends in ``.html`` or ``.pdf``; the default is ``NAME-report.html`` in the current
    folder. An existing file of another kind is only replaced with ``force``. Returns the path of
    the report. ``overrides`` are ``dataset.KEY=VALUE`` texts that locate the data. Warns (VZ612) if
    the data differ from those of the training.

    Raises UsageError (VZ501) for an unknown entry and (VZ503) for a file of another kind, ZooError
    (VZ503) if the file cannot be written or the PDF extra is not installed, and what loading the
    entry raises.
    """
    path = Path(out) if out is not None else default_path(name, other, ".html")
    _check(path, force)
    registry = registry or discover()
    first = subject(name, zoo, device, registry, overrides)
    if other is None:
        document = report_of(first)
    else:
        document = report_of_two(first, subject(other, zoo, device, registry, overrides))
    is_pdf = path.suffix.lower() == ".pdf"
    _write(path, to_pdf(document) if is_pdf else to_html(document).encode())
    return path


def default_path(name: str | Path, other: str | Path | None, suffix: str) -> Path:
    """``fashion_mlp2-report.html``, or ``fashion_beta1-fashion_beta4-report.html``."""
    names = [
        Path(one).resolve().stem if str(one) in (".", "..") else Path(one).stem
        for one in (name, other)
        if one is not None
    ]
    return Path("-".join([*names, "report"]) + suffix)


def _check(path: Path, force: bool) -> None:
    """Raise for a path that cannot be written, before slow work starts."""
    if path.suffix.lower() not in _FORMATS:
        message = f"cannot write {path}: a report is HTML or PDF"
        hint = f"use a file name that ends in {' or '.join(_FORMATS)}"
        raise UsageError(Diagnostic("VZ503", message, hint=hint))
    missing = typst_missing() if path.suffix.lower() == ".pdf" else None
    if missing:
        raise ZooError(missing)
    try:
        check_output(path, None if force else _FORMATS[path.suffix.lower()])
    except OSError as error:
        raise unwritable(path, error) from None


def _write(path: Path, data: bytes) -> None:
    try:
        write_output(path, data)
    except OSError as error:
        raise unwritable(path, error) from None
