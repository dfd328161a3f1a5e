"""Keep a command running when a standard stream is closed, full, or has a narrow encoding.

Output to stderr may be lost. A failed write to stdout is recorded, and the command reports it at
its end, unless the reader closed the pipe, as ``head`` does.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import Any, TextIO

#: Errors of a stream that nobody reads any more.
_UNREAD = (errno.EPIPE, errno.EBADF, errno.EIO)


class _Steady(io.FileIO):
    """A file descriptor that is written as far as possible; ``lost`` is why the rest was not."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of ``data``, or drop it where that cannot be done."""
        left = memoryview(data).cast("B")
        total = len(left)
        while left and self.lost is None:
            try:
                written = super().write(left)
            except OSError as error:
                self.lost = error
                break
            if written is None:  # it does not block, as a terminal shared with another program
                select.select([], [self.fileno()], [], 1.0)
            left = left[written or 0 :]
        return total


class _Ascii(io.TextIOWrapper):
    """Writes ASCII and says that it is UTF-8: click would write UTF-8 to what says ASCII."""

    def write(self, text: str, /) -> int:
        return super().write(text.encode("ascii", "replace").decode("ascii"))


@contextlib.contextmanager
def steady() -> Iterator[None]:
    """Within, stdout and stderr take every character and raise no error."""
    fill_closed()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _steady(sys.stdout, 1), _steady(sys.stderr, 2)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = before


def fill_closed() -> None:
    """Open the null device in place of each standard stream that is closed.

    Else the next file that is opened takes its number, and words of libraries end up in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # takes the lowest number that is free: this one; for child processes, too
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def lost() -> OSError | None:
    """Why stdout could not be written, where somebody was to read it."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = raw.lost if isinstance(raw, _Steady) else None
    return None if error is None or error.errno in _UNREAD else error


def forgive() -> None:
    """Take what was lost for said, since it was said elsewhere."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Steady) and raw.lost:
        raw.lost = OSError(errno.EPIPE, "said elsewhere")


def _steady(stream: TextIO | None, number: int) -> TextIO:
    """The stream over a steady file; as it is where a program around us has replaced it."""
    if stream is None:  # it was closed when Python started
        return _over(number, "utf-8", "backslashreplace")
    if not isinstance(stream, io.TextIOWrapper) or not _is_file(stream, number):
        return stream
    with contextlib.suppress(OSError):
        stream.flush()
    errors = "backslashreplace" if _is_unicode(stream) else "replace"
    return _over(number, stream.encoding, errors, at_once=stream.write_through)


def _over(number: int, encoding: str, errors: str, *, at_once: bool = False) -> TextIO:
    raw = _Steady(number, "wb", closefd=False)
    is_ascii = codecs.lookup(encoding).name == "ascii"
    return (_Ascii if is_ascii else io.TextIOWrapper)(
        io.BufferedWriter(raw),
        encoding="utf-8" if is_ascii else encoding,
        errors=errors,
        line_buffering=at_once or number == 2 or raw.isatty(),
    )


def _is_file(stream: io.TextIOWrapper, number: int) -> bool:
    """Whether it writes to the file descriptor itself, as a console of Windows does not."""
    raw = getattr(stream.buffer, "raw", stream.buffer)  # Python -u buffers nothing
    return type(raw) is io.FileIO and raw.fileno() == number


def _is_unicode(stream: TextIO) -> bool:
    """Whether all but halves of characters can be written."""
    return stream.encoding.lower().replace("-", "").startswith("utf")
