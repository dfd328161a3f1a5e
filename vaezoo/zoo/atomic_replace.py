"""Replace folders atomically.

``exchange`` is atomic on Linux: the target is always the old folder or the new one. Other systems
need two renames. If the second fails, the first is undone. Between them, a note leads readers to
the old folder, see ``between``.
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
from dataclasses import dataclass
from pathlib import Path

from vaezoo.system.files import write_whole
from vaezoo.system.folders import refuse_link
from vaezoo.zoo.zoo_folders import PREVIOUS, STAGING

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
#: Errors of renameat2 if the kernel or the file system does not support the exchange.
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM})
_NOTE = ".swap"
_MAX_NOTE_BYTES = 10_000


@dataclass(frozen=True)
class Swap:
    """A replacement in progress.

    ``new`` and ``kept`` are relative to the zoo. ``number`` is the inode number of the new folder,
    which tells afterwards whether the exchange took place.
    """

    name: str
    new: str
    kept: str
    number: int
    command: str


def replace(zoo: Path, name: str, new: Path, kept: Path, command: str) -> None:
    """Move the folder ``new`` to the entry ``name``, and an existing entry to ``kept``.

    All paths are inside the zoo. A note records the replacement, so that after a kill the next
    writing command can complete it and the name never seems absent. Raises OSError, with all
    folders in their old places.
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
        if _number(target) not in (None, swap.number):  # nothing was moved
            note.unlink()
        raise
    with contextlib.suppress(OSError):  # both folders are in place
        for folder in {zoo, kept.parent}:
            sync_folder(folder)
        note.unlink()  # last, so that it exists after any kill before


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
    """The notes of replacements; None for an unreadable one."""
    try:
        if (zoo / STAGING).is_symlink():
            return []
        found = [path for path in (zoo / STAGING).iterdir() if path.name.endswith(_NOTE)]
        return [(path, _read(path)) for path in sorted(found) if _is_file(path)]
    except OSError:  # the folder does not exist
        return []


def _read(note: Path) -> Swap | None:
    try:
        if note.stat().st_size > _MAX_NOTE_BYTES:
            return None
        swap = Swap(**json.loads(note.read_text("utf-8")))
        inside = [Path(swap.new).parts, Path(swap.kept).parts]
    except (OSError, ValueError, TypeError):
        return None
    # the note may not be ours: accept only paths in these folders
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
    """Complete an interrupted replacement; return whether the new folder is in place.

    ``kept`` is an unused path for the replaced folder. Raises OSError.
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
    """Entries between the two renames of a replacement, and the paths of their old folders.

    Empty on file systems with an atomic exchange.
    """
    swaps = [swap for _, swap in notes(zoo) if swap]
    return {
        swap.name: zoo / swap.kept
        for swap in swaps
        if not os.path.lexists(zoo / swap.name) and _number(zoo / swap.kept) is not None
    }


def _number(folder: Path) -> int | None:
    """The inode number of a folder; None if it is missing or a link."""
    try:
        status = folder.lstat()
    except OSError:
        return None
    return status.st_ino if stat.S_ISDIR(status.st_mode) else None


def exchange(one: Path, other: Path) -> bool:
    """Swap two folders atomically; return False if the system does not support it."""
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
    """Sync a folder to disk, on systems that allow it."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
