"""Combine ``--format`` and ``--output``: which report goes where."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError, nearest
from vaezoo.diagnostics.output.formats import FORMATS, formatted
from vaezoo.diagnostics.output.locations import checkout
from vaezoo.diagnostics.output.spec_report import Report
from vaezoo.system.files import Content, check_output, expanded, write_output

#: Suffix -> possible formats, the most likely first.
_BY_SUFFIX = {
    ".txt": ("text",),
    ".log": ("text",),
    ".json": ("json", "sarif"),
    ".sarif": ("sarif",),
    ".xml": ("junit",),
}


def _is_text(path: Path, head: bytes) -> bool:
    """Text has no signature, so the name decides."""
    return path.suffix.lower() in ("", ".txt", ".log", ".out")


def _holds(*marks: bytes) -> Callable[[Path, bytes], bool]:
    return lambda path, head: all(mark in head for mark in marks)


#: How to recognize a file of each format. Other files are not overwritten without --force.
_CONTENT = {
    "text": Content("a text file by its name", _is_text),
    "github": Content("a text file by its name", _is_text),
    "json": Content("a report of vaezoo in JSON", _holds(b'"tool"', b'"name": "vaezoo"')),
    "sarif": Content("a SARIF log", _holds(b'"$schema"', b"sarif", b'"runs"')),
    "junit": Content("a JUnit report", _holds(b"<testsuites")),
}


@dataclass(frozen=True)
class Outputs:
    """The format to print, if any, and the (format, file) pairs to write.

    ``force`` allows overwriting files of another kind.
    """

    printed: str | None
    files: tuple[tuple[str, Path], ...]
    force: bool = False

    @property
    def formats(self) -> set[str]:
        """All formats, printed or written."""
        return {name for name in (self.printed, *dict(self.files)) if name}

    def write(self, report: Report) -> None:
        """Write every file atomically.

        Raises ZooError (VZ503) for those that failed, after writing the others.
        """
        failed: list[Diagnostic] = []
        for name, path in self.files:
            content = formatted(report, name).encode()
            try:
                check_output(path, None if self.force else _CONTENT[name])
                write_output(path, content)
            except (OSError, ValueError) as error:  # ValueError: a NUL in the path
                failed.append(_unwritten(name, path, error))
        if failed:
            raise ZooError(*failed)


def append_step_summary(report: Report, path: Path) -> None:
    """Append the findings to GitHub's job summary, which other steps write to as well.

    Raises ZooError (VZ503) if it cannot be written.
    """
    from vaezoo.diagnostics.output.github import summary

    try:
        with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(summary(report, checkout()))
    except (OSError, ValueError) as error:
        raise ZooError(_unwritten("github", path, error)) from None


def _unwritten(name: str, path: Path, error: Exception) -> Diagnostic:
    reason = getattr(error, "strerror", None) or str(error)
    return Diagnostic(
        "VZ503",
        f"cannot write the {name} report to {path}: {reason}",
        hint="give --output a file in a writable folder",
    )


def pair(formats: Sequence[str], outputs: Sequence[str], *, force: bool = False) -> Outputs:
    """Combine ``--format FORMAT …`` and ``--output [FORMAT=]FILE …``.

    The format of a file is its prefix, else a ``--format`` that its suffix allows, else the one
    of its suffix. A ``--format`` without a file is printed. Without ``--format``, text is printed.

    Raises ValueError with a message for the user if the options contradict or are ambiguous.
    """
    files = [_file(output, formats) for output in outputs]
    paths = [path.absolute() for _, path in files]
    if len(set(paths)) < len(paths):
        raise ValueError("two reports have the same output file")
    taken = {name for name, _ in files}
    printed = (
        [name for name in dict.fromkeys(formats) if name not in taken] if formats else ["text"]
    )
    if len(printed) > 1:
        raise ValueError(
            f"cannot print both {' and '.join(printed)}; "
            f"give all but one a file, such as --output {printed[-1]}=FILE"
        )
    return Outputs(printed[0] if printed else None, tuple(files), force)


def _file(output: str, formats: Sequence[str]) -> tuple[str, Path]:
    name, equals, file = output.partition("=")
    if equals and name in FORMATS:
        return name, _path(file)
    if equals and re.fullmatch(r"[A-Za-z]+", name):
        close = nearest(name, FORMATS)
        hint = f"did you mean {close!r}? " if close else ""
        raise ValueError(
            f"{name!r} is not a format; {hint}"
            f"the formats are {', '.join(FORMATS)}; for a file of that name, write ./{output}"
        )
    path = _path(output)
    return _format_of(output, formats), path


def _path(file: str) -> Path:
    if not file or file == "-" or file.endswith(("/", "\\")):
        raise ValueError(f"{file!r} is not a file; omit --output to print a format")
    try:
        return expanded(file)
    except FileNotFoundError as error:
        raise ValueError(f"{file!r} not found: {error.strerror}") from None


def _format_of(file: str, formats: Sequence[str]) -> str:
    """The format of a file without a format prefix."""
    allowed = _BY_SUFFIX.get(Path(file).suffix.lower())
    asked = [name for name in dict.fromkeys(formats) if name in (allowed or FORMATS)]
    if len(asked) == 1:
        return asked[0]
    if allowed and not asked:
        return allowed[0]
    hint = f"; to print {file}, write --format {file}" if file in FORMATS else ""
    raise ValueError(f"the format of {file!r} is ambiguous: write FORMAT={file}{hint}")
