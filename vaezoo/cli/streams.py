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

#: Errors of a stream without a reader.
_UNREAD = (errno.EPIPE, errno.EBADF, errno.EIO)


class _Steady(io.FileIO):
    """Writes what it can; ``lost`` is the error that stopped it."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of ``data``; drop it after an error."""
        left = memoryview(data).cast("B")
        total = len(left)
        while left and self.lost is None:
            try:
                written = super().write(left)
            except OSError as error:
                self.lost = error
                break
            if written is None:  # non-blocking, such as a terminal shared with another program
                select.select([], [self.fileno()], [], 1.0)
            left = left[written or 0 :]
        return total


class _Ascii(io.TextIOWrapper):
    """Writes ASCII but claims UTF-8: click would write UTF-8 to a stream that says ASCII."""

    def write(self, text: str, /) -> int:
        return super().write(text.encode("ascii", "replace").decode("ascii"))


@contextlib.contextmanager
def steady() -> Iterator[None]:
    """Within the context, stdout and stderr accept every character and raise no error."""
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
    """Replace each closed standard stream by the null device.

    Otherwise the next file that is opened gets its number, and libraries print into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # open takes the lowest free number, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def lost() -> OSError | None:
    """The error of stdout, unless its reader closed the pipe."""
    raw = _raw_stdout()
    return raw.lost if raw and raw.lost and raw.lost.errno not in _UNREAD else None


def forgive() -> None:
    """Ignore the error of stdout: the output was written elsewhere."""
    raw = _raw_stdout()
    if raw and raw.lost:
        raw.lost = OSError(errno.EPIPE, "written elsewhere")


def _raw_stdout() -> _Steady | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Steady) else None


def _steady(stream: TextIO | None, number: int) -> TextIO:
    """The stream over a ``_Steady``, unchanged if another program has replaced it."""
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
    """Whether it writes directly to the file descriptor. A Windows console does not."""
    raw = getattr(stream.buffer, "raw", stream.buffer)  # Python -u buffers nothing
    return type(raw) is io.FileIO and raw.fileno() == number


def _is_unicode(stream: TextIO) -> bool:
    """Whether the encoding has all characters, apart from surrogates."""
    return stream.encoding.lower().replace("-", "").startswith("utf")
