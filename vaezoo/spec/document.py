"""Read a spec: a regular file of bounded size, in UTF-8, with one mapping."""

from __future__ import annotations

import codecs
import os
import stat
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, Piped, Position, Span, SpecError
from vaezoo.spec.compose import compose
from vaezoo.spec.nodes import Document, Node
from vaezoo.spec.yaml_errors import one_character, position_in
from vaezoo.system.files import in_units

#: Limit on the size of a spec.
MAX_BYTES = 1 << 20
#: Flags to open a pipe without waiting for a writer; not every system has them.
_OPEN_FLAGS = (
    getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)


def load_document(path: str | Path) -> tuple[Document, list[Diagnostic]]:
    """Parse a file into a document and findings.

    Raises SpecError if the file cannot be parsed to its end.
    """
    content = path.content if isinstance(path, Piped) else read_bytes(path)
    return parse_document(content, path if isinstance(path, str) else str(path))


def parse_document(content: bytes | str, source: str) -> tuple[Document, list[Diagnostic]]:
    """Parse ``content`` into a document and findings, which call it ``source``."""
    text = content if isinstance(content, str) else _decode(content, source)
    root, findings = compose(text, source)
    if root is None:
        raise SpecError(
            *findings,
            Diagnostic("VZ108", "the file is empty", whole(source), hint=_MAPPING),
        )
    if not isinstance(root.content, dict):
        raise SpecError(*findings, _not_a_mapping(root))
    return Document(source, root), findings


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a regular file. Never blocks on a pipe; reads at most ``MAX_BYTES``."""
    source = str(path)
    try:
        content = _read(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SpecError(unreadable(source, error)) from None
    return bounded(content, source)


def bounded(content: bytes, source: str) -> bytes:
    """The content unchanged. Raises SpecError (VZ106) if it is too large."""
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {in_units(MAX_BYTES)}, the limit for a spec"
        raise SpecError(Diagnostic("VZ106", message, whole(source), hint="check the path"))
    return content


def _read(path: str | Path) -> bytes:
    """The content of the file, cut off one byte after the limit."""
    _require_file(os.stat(path).st_mode)
    descriptor = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
    try:
        # check again: the path may have been replaced before it was opened
        _require_file(os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _require_file(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, f"it is {_file_type(mode)}, not a file")


def whole(source: str) -> Span:
    """The span of a finding about a whole file."""
    return Span(source, Position(1, 1), Position(1, 1))


def _decode(content: bytes, source: str) -> str:
    encoding = _other_encoding(content)
    if encoding:
        message = f"the file is {encoding}, not UTF-8"
        raise SpecError(Diagnostic("VZ102", message, whole(source), hint="save it as UTF-8"))
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        start = position_in(before, len(before))
        byte = body[error.start]
        shown = bytes((byte,)).decode("cp1252", "replace")
        meant = f" (in Windows-1252 this byte is {shown})" if shown.isalpha() else ""
        raise SpecError(
            Diagnostic(
                "VZ102",
                f"the file is not UTF-8: invalid byte 0x{byte:02x}",
                one_character(source, start),
                hint=f"save it as UTF-8{meant}",
            )
        ) from None


def _other_encoding(content: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte order mark, or by zero bytes next to ASCII; else None."""
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


_MAPPING = "a spec is a mapping that starts with vaezoo: 1"


def _not_a_mapping(root: Node) -> Diagnostic:
    kind = "a list" if isinstance(root.content, list) else "a single value"
    return Diagnostic("VZ108", f"the file contains {kind}, not a mapping", root.span, hint=_MAPPING)


def unreadable(source: str, error: Exception) -> Diagnostic:
    """The finding for a file or folder that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, FileNotFoundError):
        broken = os.path.islink(source)
        reason = "it is a broken link" if broken else "no such file"
    reason = reason[:1].lower() + reason[1:]
    return Diagnostic("VZ101", f"{source} cannot be read: {reason}", whole(source))


def _file_type(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
