"""Read untrusted files: only regular ones, of limited size, not through links.

Reading a FIFO may never return, a device may never end, and a link may lead to any file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# O_NONBLOCK: if a FIFO has replaced the file, open does not wait for a writer
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@contextmanager
def open_regular(
    path: Path, *, within: Path | None = None, limit: int | None = None
) -> Iterator[BinaryIO]:
    """Open a regular file of at most ``limit`` bytes for reading.

    No folder between ``within`` and the file may be a link. Raises OSError otherwise.
    """
    for folder in _between(within, path):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise _refused(folder, folder.lstat().st_mode, "a folder")
    _check(path, path.lstat(), limit)
    handle = os.open(path, _FLAGS)
    with os.fdopen(handle, "rb") as file:
        _check(path, os.fstat(file.fileno()), limit)  # the path may have been replaced
        yield file


def read_regular(path: Path, limit: int, *, within: Path | None = None) -> bytes:
    """The content of a regular file, see ``open_regular``. Raises OSError."""
    with open_regular(path, within=within, limit=limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # it has grown since
        raise _too_large(path, len(content), limit)
    return content


def irregular_in(folder: Path) -> Iterator[tuple[Path, int]]:
    """All that lies in a folder, at any depth, and is neither a regular file nor a folder.

    With the mode of each. For folders whose files someone else's library opens.
    """
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *names)):
            with suppress(FileNotFoundError):  # another process has removed it meanwhile
                mode = path.lstat().st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    yield path, mode


def kind_of(mode: int) -> str:
    """What a file of this mode is, in words: "a FIFO"."""
    return _KINDS.get(stat.S_IFMT(mode), "a regular file")


def _between(within: Path | None, path: Path) -> list[Path]:
    """The folders below ``within`` that lead to ``path``, the outermost first."""
    if within is None:
        return []
    inside = path.relative_to(within).parts[:-1]
    return [within.joinpath(*inside[: depth + 1]) for depth in range(len(inside))]


def _check(path: Path, status: os.stat_result, limit: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, status.st_mode, "a regular file")
    if limit is not None and status.st_size > limit:
        raise _too_large(path, status.st_size, limit)


def _refused(path: Path, mode: int, wanted: str) -> OSError:
    return OSError(errno.EINVAL, f"it is {kind_of(mode)}, not {wanted}", str(path))


def _too_large(path: Path, size: int, limit: int) -> OSError:
    return OSError(errno.EFBIG, f"it has {size:,} bytes; the limit is {limit:,}", str(path))
