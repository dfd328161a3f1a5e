"""Reading a spec's bytes: a regular file of bounded size, in UTF-8, holding one mapping."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, Piped, Position, Span, SpecError
from vaezoo.spec.compose import compose
from vaezoo.spec.events import one_character, position_in
from vaezoo.spec.nodes import Document, Node
from vaezoo.system.files import in_units

#: The largest file that passes for a spec.
MOST_BYTES = 1 << 20
#: Opens a pipe without waiting for somebody to write into it; not every system has these flags.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def load_document(path: str | Path) -> tuple[Document, list[Diagnostic]]:
    """The file as a document, with the findings that still leave it readable.

    Raises SpecError where nothing can be read at all.
    """
    content = path.content if isinstance(path, Piped) else read_bytes(path)
    return parse_document(content, path if isinstance(path, str) else str(path))


def parse_document(content: bytes | str, source: str) -> tuple[Document, list[Diagnostic]]:
    """``content`` as a document; ``source`` is what findings call it."""
    text = content if isinstance(content, str) else _decode(content, source)
    root, findings = compose(text, source)
    if root is None:
        raise SpecError(
            *findings,
            Diagnostic("VZ108", "this file is empty", whole(source), hint=_MAPPING),
        )
    if not isinstance(root.content, dict):
        raise SpecError(*findings, _not_a_mapping(root))
    return Document(source, root), findings


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a regular file; never waits on a pipe, never reads without end."""
    source = str(path)
    try:
        content = _read(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SpecError(unreadable(source, error)) from None
    return bounded(content, source)


def bounded(content: bytes, source: str) -> bytes:
    """The content, where it is not too large. Raises SpecError (VZ106)."""
    if len(content) > MOST_BYTES:
        message = f"this file is larger than {in_units(MOST_BYTES)}"
        raise SpecError(Diagnostic("VZ106", message, whole(source), hint="is it a spec at all?"))
    return content


def _read(path: str | Path) -> bytes:
    """The file, and one byte more than is allowed of one that is too large."""
    _require_file(os.stat(path).st_mode)
    descriptor = os.open(path, os.O_RDONLY | _AT_ONCE)
    try:
        # again, of what was opened: it may have become another file meanwhile
        _require_file(os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)


def _require_file(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, f"it is {_nature(mode)}, not a file")


def whole(source: str) -> Span:
    """The place of a finding that concerns a file as a whole."""
    return Span(source, Position(1, 1), Position(1, 1))


def _decode(content: bytes, source: str) -> str:
    encoding = _other_encoding(content)
    if encoding:
        message = f"this file is {encoding}, not UTF-8"
        raise SpecError(Diagnostic("VZ102", message, whole(source), hint="save it as UTF-8"))
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        start = position_in(before, len(before))
        byte = body[error.start]
        shown = bytes((byte,)).decode("cp1252", "replace")
        meant = f": in Windows-1252 that byte is {shown}" if shown.isalpha() else ""
        raise SpecError(
            Diagnostic(
                "VZ102",
                f"this file is not UTF-8: the byte 0x{byte:02x} cannot stand here",
                one_character(source, start),
                hint=f"save it as UTF-8{meant}",
            )
        ) from None


def _other_encoding(content: bytes) -> str | None:
    """The encoding that a byte order mark names, or that zeros beside ASCII show."""
    start = content[:4]
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "UTF-32"
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "UTF-16"
    is_wide = len(start) == 4 and (
        (start[0] and start[2] and not (start[1] or start[3]))
        or (start[1] and start[3] and not (start[0] or start[2]))
    )
    return "UTF-16" if is_wide else None


_MAPPING = "a spec is a mapping of keys to values, beginning with vaezoo: 1"


def _not_a_mapping(root: Node) -> Diagnostic:
    kind = "a list" if isinstance(root.content, list) else "a single value"
    return Diagnostic("VZ108", f"this file holds {kind}, not a mapping", root.span, hint=_MAPPING)


def unreadable(source: str, error: Exception) -> Diagnostic:
    """A file or folder that cannot be read, and why."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, FileNotFoundError):
        broken = os.path.islink(source)
        reason = "it is a link to nothing" if broken else "there is no such file"
    reason = reason[:1].lower() + reason[1:]
    return Diagnostic("VZ101", f"{source} cannot be read: {reason}", whole(source))


def _nature(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
