"""Which report goes where: ``--format`` and ``--output`` put together."""

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

#: The formats that a file's ending stands for, the likeliest first.
_BY_ENDING = {
    ".txt": ("text",),
    ".log": ("text",),
    ".json": ("json", "sarif"),
    ".sarif": ("sarif",),
    ".xml": ("junit",),
}


def _is_text(path: Path, head: bytes) -> bool:
    """Texts have no mark of their own: their files are known by what people call them."""
    return path.suffix.lower() in ("", ".txt", ".log", ".out")


def _holds(*marks: bytes) -> Callable[[Path, bytes], bool]:
    return lambda path, head: all(mark in head for mark in marks)


#: What a file of each format is, so that no other is replaced unasked.
_CONTENT = {
    "text": Content("a text file by its name", _is_text),
    "github": Content("a text file by its name", _is_text),
    "json": Content("a report of vaezoo in JSON", _holds(b'"tool"', b'"name": "vaezoo"')),
    "sarif": Content("a SARIF log", _holds(b'"$schema"', b"sarif", b'"runs"')),
    "junit": Content("a JUnit report", _holds(b"<testsuites")),
}


@dataclass(frozen=True)
class Outputs:
    """One format to print, or none, and those to write: (format, file).

    With ``force``, files of another kind are replaced.
    """

    printed: str | None
    files: tuple[tuple[str, Path], ...]
    force: bool = False

    @property
    def formats(self) -> set[str]:
        """All formats that are asked for."""
        return {name for name in (self.printed, *(name for name, _ in self.files)) if name}

    def write(self, report: Report) -> None:
        """Write every file, whole or not at all.

        Raises ZooError (VZ503) for those that cannot be written, when the others are.
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
    """Add the findings to the page of a GitHub run; other steps write to the same file.

    Raises ZooError (VZ503) where it cannot be written.
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
        f"the {name} report cannot be written to {path}: {reason}",
        hint="give --output a file in a folder that you can write to",
    )


def pair(formats: Sequence[str], outputs: Sequence[str], *, force: bool = False) -> Outputs:
    """What ``--format FORMAT …`` and ``--output [FORMAT=]FILE …`` ask for together.

    A file's format is what stands before it; or else the one that ``--format`` names, if its
    ending allows that; or else what its ending stands for. A format that no file takes is
    printed; without ``--format``, text is.

    Raises ValueError, with the message for people, for what has no clear meaning.
    """
    files = [_file(output, formats) for output in outputs]
    paths = [path.absolute() for _, path in files]
    if len(set(paths)) < len(paths):
        raise ValueError("two reports would go to one file")
    taken = {name for name, _ in files}
    printed = (
        [name for name in dict.fromkeys(formats) if name not in taken] if formats else ["text"]
    )
    if len(printed) > 1:
        raise ValueError(
            f"{' and '.join(printed)} cannot both be printed; "
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
            f"{name!r} is not one of the formats. {hint}"
            f"They are {', '.join(FORMATS)}; a file of that name is written ./{output}"
        )
    path = _path(output)
    return _format_of(output, formats), path


def _path(file: str) -> Path:
    if not file or file == "-" or file.endswith(("/", "\\")):
        raise ValueError(f"{file!r} is not a file; a format without --output is printed")
    try:
        return expanded(file)
    except FileNotFoundError as error:
        raise ValueError(f"{file!r} cannot be found: {error.strerror}") from None


def _format_of(file: str, formats: Sequence[str]) -> str:
    """The format of a file that is given without one."""
    allowed = _BY_ENDING.get(Path(file).suffix.lower())
    asked = [name for name in dict.fromkeys(formats) if name in (allowed or FORMATS)]
    if len(asked) == 1:
        return asked[0]
    if allowed and not asked:
        return allowed[0]
    hint = f"; to print {file}, write --format {file}" if file in FORMATS else ""
    raise ValueError(f"{file!r} can be of several formats: write FORMAT={file}{hint}")
