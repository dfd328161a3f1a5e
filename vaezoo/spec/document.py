"""Reading a spec's bytes: a regular file of bounded size, in UTF-8, holding one mapping."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, Position, Span, SpecError
from vaezoo.spec.compose import compose, position_in
from vaezoo.spec.nodes import Document, Node

#: The largest file that passes for a spec.
MOST_BYTES = 1 << 20


def load_document(path: str | Path) -> tuple[Document, list[Diagnostic]]:
    """The file as a document, with the findings that still leave it readable.

    Raises SpecError where nothing can be read at all.
    """
    return parse_document(read_bytes(path), str(path))


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
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SpecError(_unreadable(source, f"it is {_nature(path)}, not a file"))
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        broken = os.path.islink(path)
        reason = "it is a link to nothing" if broken else "there is no such file"
        raise SpecError(_unreadable(source, reason)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(_unreadable(source, reason[:1].lower() + reason[1:])) from None
    if len(content) > MOST_BYTES:
        message = f"this file is larger than {MOST_BYTES >> 20} MiB"
        raise SpecError(Diagnostic("VZ106", message, whole(source), hint="is it a spec at all?"))
    return content


def whole(source: str) -> Span:
    """The place of a finding that concerns a file as a whole."""
    return Span(source, Position(1, 1), Position(1, 1))


def _decode(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        start = position_in(before, len(before))
        end = Position(start.line, start.column + 1)
        byte = content[error.start]
        raise SpecError(
            Diagnostic(
                "VZ102",
                f"this file is not UTF-8: the byte 0x{byte:02x} cannot stand here",
                Span(source, start, end),
                hint="save it as UTF-8",
            )
        ) from None


_MAPPING = "a spec is a mapping of keys to values, beginning with vaezoo: 1"


def _not_a_mapping(root: Node) -> Diagnostic:
    kind = "a list" if isinstance(root.content, list) else "a single value"
    return Diagnostic("VZ108", f"this file holds {kind}, not a mapping", root.span, hint=_MAPPING)


def _unreadable(source: str, reason: str) -> Diagnostic:
    return Diagnostic("VZ101", f"{source} cannot be read: {reason}", whole(source))


def _nature(path: str | Path) -> str:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
