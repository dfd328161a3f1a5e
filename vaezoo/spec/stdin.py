"""Specs that come through standard input or a pipe: ``-``, ``/dev/stdin``, ``<(command)``."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from pathlib import Path

from vaezoo.diagnostics import Piped, SpecError
from vaezoo.spec.document import MOST_BYTES, bounded, unreadable

PathLike = str | os.PathLike[str]

#: What findings call standard input.
STDIN = "<stdin>"
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/self/fd)/(\d+)", re.ASCII)
#: Seconds that a named pipe waits for somebody who writes into it.
_LONGEST_WAIT = 1.0
_PAUSE = 0.01


def given(path: PathLike) -> str:
    """A path as somebody typed it; of standard input or a pipe, with what came through it.

    Whoever types a pipe wants it read, and a pipe is read once. Raises SpecError (VZ101, VZ106).
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
    """Whether ``given`` would read it to its end."""
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
    buffer = getattr(sys.stdin, "buffer", None)  # what a test or notebook put there has none
    return buffer.read(MOST_BYTES + 1) if buffer else sys.stdin.read(MOST_BYTES + 1).encode()


def _until_end(descriptor: int) -> bytes:
    """All that a descriptor gives, and one byte more than is allowed of what is too much."""
    parts, size = [], 0
    while size <= MOST_BYTES:
        part = os.read(descriptor, MOST_BYTES + 1 - size)
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
    """What comes first through a pipe; nothing yet where somebody is about to write."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        try:
            part = os.read(descriptor, MOST_BYTES)
        except BlockingIOError:
            return b""
        if part:
            return part
        time.sleep(_PAUSE)
    raise OSError(0, "it is a pipe that nobody writes into")


def beside(path: str | Path) -> Path:
    """The folder that paths within a spec are relative to; for a pipe, the current one."""
    return Path() if isinstance(path, Piped) else Path(path).parent
