"""Read specs from standard input or a pipe: ``-``, ``/dev/stdin``, ``<(command)``."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from pathlib import Path

from vaezoo.diagnostics import Piped, SpecError
from vaezoo.spec.document import MAX_BYTES, bounded, unreadable

PathLike = str | os.PathLike[str]

#: The name of standard input in findings.
STDIN = "<stdin>"
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d+)", re.ASCII)
#: Timeout for the first byte of a named pipe, in seconds.
_TIMEOUT = 1.0
_POLL_INTERVAL = 0.01


def given(path: PathLike) -> str:
    """The path, or for standard input and pipes a ``Piped`` with their content.

    Call it once for a path: a pipe can be read only once. Raises SpecError (VZ101, VZ106).
    """
    name = os.fspath(path)
    if isinstance(name, Piped):
        return name
    try:
        if name in _STDIN:
            return Piped(STDIN, bounded(_standard_input(), STDIN))
        if not is_pipe(name):
            return name
        descriptor = _DESCRIPTOR.fullmatch(name)
        content = _until_end(int(descriptor[1])) if descriptor else _named_pipe(name)
        return Piped(name, bounded(content, name))
    except (OSError, ValueError, OverflowError) as error:
        raise SpecError(unreadable(STDIN if name in _STDIN else name, error)) from None


def is_pipe(path: PathLike) -> bool:
    """Whether ``given`` reads the path to its end."""
    name = os.fspath(path)
    if name in _STDIN or _DESCRIPTOR.fullmatch(name):
        return True
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise OSError(0, "standard input is closed")
    buffer = getattr(sys.stdin, "buffer", None)  # None if a notebook replaced the stream
    return buffer.read(MAX_BYTES + 1) if buffer else sys.stdin.read(MAX_BYTES + 1).encode()


def _until_end(descriptor: int) -> bytes:
    """Read a descriptor to its end, or to one byte after the limit."""
    parts, size = [], 0
    while size <= MAX_BYTES:
        part = os.read(descriptor, MAX_BYTES + 1 - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _named_pipe(name: str) -> bytes:
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        first = _first_part(descriptor)
        os.set_blocking(descriptor, True)
        return first + _until_end(descriptor)
    finally:
        os.close(descriptor)


def _first_part(descriptor: int) -> bytes:
    """The first bytes of a pipe; empty if it has a writer that has not written yet."""
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        try:
            part = os.read(descriptor, MAX_BYTES)
        except BlockingIOError:
            return b""
        if part:
            return part
        time.sleep(_POLL_INTERVAL)
    raise OSError(0, "it is a pipe without a writer")


def beside(path: str | Path) -> Path:
    """The folder that paths in a spec are relative to; for a pipe, the working directory."""
    return Path() if isinstance(path, Piped) else Path(path).parent
