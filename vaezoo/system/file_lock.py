"""Lock a file for one process at a time. The lock ends with the process, even if it is killed.

``filelock`` locks, by ``flock`` or ``LockFileEx``. It opens any file at a path, so this module
opens the file: a link could lead to another folder's file, and a FIFO is no file to lock.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaezoo.system.folders import InTheWay
from vaezoo.system.regular_file import kind_of

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_ATTEMPTS = 20
_SECONDS_BETWEEN_TRIES = 0.05


class LockHeld(TimeoutError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, timeout: float = 0) -> Iterator[None]:
    """Hold the lock file, which is created if it is missing and stays there afterwards.

    Raises LockHeld if another process still holds it after ``timeout`` seconds, InTheWay for
    anything but a regular file at the path, OSError if it cannot be created or locked.
    """
    handle = _acquire(path, time.monotonic() + timeout)
    try:
        yield
    finally:
        os.close(handle)


def _acquire(path: Path, deadline: float) -> int:
    for _ in range(_ATTEMPTS):
        handle = _open(path)
        try:
            _wait(handle, path, deadline)
            if _is_at(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # it was removed before it was locked, and locks nothing
    raise OSError(errno.EAGAIN, "another process keeps replacing it", str(path))


def _open(path: Path) -> int:
    with suppress(FileNotFoundError):
        _require_regular(path, path.lstat())
    handle = os.open(path, _FLAGS, 0o644)
    try:
        _require_regular(path, os.fstat(handle))  # it may have been replaced meanwhile
    except InTheWay:
        os.close(handle)
        raise
    return handle


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        reason = f"it is {kind_of(status.st_mode)}, not a regular file"
        raise InTheWay(path, reason, f"remove {path}")


def _wait(handle: int, path: Path, deadline: float) -> None:
    """Lock the file; raise LockHeld if that is impossible until the deadline."""
    import filelock  # only here: commands that lock nothing start sooner without it

    while not filelock.lock_descriptor(handle, blocking=False):
        if time.monotonic() >= deadline:
            raise LockHeld(errno.ETIMEDOUT, "another process holds it", str(path))
        time.sleep(_SECONDS_BETWEEN_TRIES)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
