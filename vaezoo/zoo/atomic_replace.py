"""Folders that change places whole, and one publisher at a time.

``exchange`` is atomic on Linux: at every moment the target is the old folder or the new one.
Elsewhere two renames do it, the first of which is undone when the second fails; between them
readers are led to the old folder by a note, see ``between``.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vaezoo.system.files import write_whole
from vaezoo.system.folders import InTheWay, refuse_link
from vaezoo.zoo.zoo_folders import PREVIOUS, STAGING

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
#: what renameat2 answers where the kernel or the file system has no exchange
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM})
#: seconds to wait for another publisher, which needs about one
_PATIENCE = 60.0
_NOTE = ".swap"
_LARGEST_NOTE = 10_000


@dataclass(frozen=True)
class Swap:
    """An entry that is about to take the place of another.

    ``new`` and ``kept`` are relative to the zoo; ``number`` is the inode number of the new folder,
    by which is known afterwards whether the exchange took place.
    """

    name: str
    new: str
    kept: str
    number: int
    command: str


def replace(zoo: Path, name: str, new: Path, kept: Path, command: str) -> None:
    """Put the folder ``new`` in the place of the entry ``name``, if any, which goes to ``kept``.

    All of them lie in the zoo. A note says what is under way, so that after a kill the next
    command that writes can complete it, and the name never seems absent. Raises OSError, with
    everything where it was.
    """
    target = zoo / name
    if not os.path.lexists(target):
        os.rename(new, target)
        sync_folder(zoo)
        return
    refuse_link(target)
    swap = Swap(
        name,
        new=str(new.relative_to(zoo)),
        kept=str(kept.relative_to(zoo)),
        number=new.stat().st_ino,
        command=command,
    )
    note = zoo / STAGING / f"{name}{_NOTE}"
    write_whole(note, json.dumps(dataclasses.asdict(swap)).encode())
    try:
        sync_folder(note.parent)
        if exchange(new, target):
            _keep_replaced(new, target, kept)
        else:
            _replace_in_two_steps(new, target, kept)
    except BaseException:
        if _number(target) not in (None, swap.number):  # all is where it was
            note.unlink()
        raise
    with contextlib.suppress(OSError):  # both are in their places by now
        for folder in {zoo, kept.parent}:
            sync_folder(folder)
        note.unlink()  # last of all: a kill before this is known by it


def _keep_replaced(replaced: Path, target: Path, kept: Path) -> None:
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


def notes(zoo: Path) -> list[tuple[Path, Swap | None]]:
    """What notes of exchanges there are; None for one that cannot be read."""
    try:
        if (zoo / STAGING).is_symlink():
            return []
        found = [path for path in (zoo / STAGING).iterdir() if path.name.endswith(_NOTE)]
        return [(path, _read(path)) for path in sorted(found) if _is_file(path)]
    except OSError:  # nothing was ever written there, or not any more
        return []


def _read(note: Path) -> Swap | None:
    try:
        if note.stat().st_size > _LARGEST_NOTE:
            return None
        swap = Swap(**json.loads(note.read_text("utf-8")))
        inside = [Path(swap.new).parts, Path(swap.kept).parts]
    except (OSError, ValueError, TypeError):
        return None
    # a note may come from elsewhere: it can only speak of what lies in these folders
    is_own = note.name == f"{swap.name}{_NOTE}" and all(
        len(parts) == 2 and parts[0] in (STAGING, PREVIOUS) and parts[1] != ".." for parts in inside
    )
    return swap if is_own else None


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def settle(zoo: Path, swap: Swap, kept: Path) -> bool:
    """Complete an exchange that a kill interrupted; whether the new folder is in its place now.

    ``kept`` is a free place for what was replaced. Raises OSError.
    """
    target, new = zoo / swap.name, zoo / swap.new
    if _number(target) == swap.number:
        if _number(new) is not None:
            os.rename(new, kept)
        return True
    if not os.path.lexists(target):
        if _number(new) == swap.number:
            os.rename(new, target)
            return True
        if _number(zoo / swap.kept) is not None:
            os.rename(zoo / swap.kept, target)
    return False


def between(zoo: Path) -> dict[str, Path]:
    """Entries that have no place of their own at this moment, and where the replaced ones lie.

    There are some only where the file system has no exchange, between its two renames.
    """
    swaps = [swap for _, swap in notes(zoo) if swap]
    return {
        swap.name: zoo / swap.kept
        for swap in swaps
        if not os.path.lexists(zoo / swap.name) and _number(zoo / swap.kept) is not None
    }


def _number(folder: Path) -> int | None:
    """The inode number of a folder; None where there is none, or a link."""
    try:
        status = folder.lstat()
    except OSError:
        return None
    return status.st_ino if stat.S_ISDIR(status.st_mode) else None


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
    handle = _open_lock(lock)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _try_lock(handle):
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds it", str(lock))
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _open_lock(lock: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    refuse_link(lock)
    handle = os.open(lock, flags, 0o644)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InTheWay(lock, "it is not a regular file", f"remove {lock}")
    return handle


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
