"""Folders that change places whole, and one publisher at a time.

``exchange`` is atomic on Linux: at every moment the target is the old folder or the new one.
Elsewhere two renames do it, the first of which is undone when the second fails.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
#: what renameat2 answers where the kernel or the file system has no exchange
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM})
#: seconds to wait for another publisher, which needs about one
_PATIENCE = 60.0


def replace(new: Path, target: Path, kept: Path) -> None:
    """Put ``new`` at ``target``; what was there, if anything, goes to ``kept``.

    All three lie on one file system. Raises OSError, with everything where it was.
    """
    if not os.path.lexists(target):
        os.rename(new, target)
    elif exchange(new, target):
        _keep_replaced(new, target, kept)
    else:
        _replace_in_two_steps(new, target, kept)
    for folder in {target.parent, kept.parent}:
        sync_folder(folder)


def _keep_replaced(replaced: Path, target: Path, kept: Path) -> None:
    # A kill before this rename leaves the old folder, whole, where the new one was staged.
    try:
        os.rename(replaced, kept)
    except BaseException:
        exchange(replaced, target)
        raise


def _replace_in_two_steps(new: Path, target: Path, kept: Path) -> None:
    os.rename(target, kept)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(kept, target)
        raise


def exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False, and nothing done, where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # a C library older than glibc 2.28, or musl
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut, where folders can be synced."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when the process ends, however it ends.

    Raises TimeoutError where another process keeps it, OSError where it cannot be made.
    """
    with lock.open("a") as file:
        deadline = time.monotonic() + _PATIENCE
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds it", str(lock))
            time.sleep(0.05)
        yield


def _try_lock(handle: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
