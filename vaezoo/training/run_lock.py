"""The folder of a run: locked by one process, removed when the run is done."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.system.files import write_whole
from vaezoo.system.folders import (
    InTheWay,
    Made,
    make_own_folder,
    refuse_unknown,
    remove,
    remove_own_folder,
)

T = TypeVar("T")

LOCK, MARK = "lock", ".vaezoo-run"
_ATTEMPTS = 20
_MARK = b"vaezoo keeps a run here. It removes this folder and its contents when the run is done.\n"
#: The folder of a run or sweep. Folders of older versions have no mark.
RUN_FOLDER = Made(
    what="the folder of a run",
    name=r".+-(?:[0-9a-f]{8}|sweep)",
    inside=r"lock|sender|checkpoint\.safetensors|together\.json|together-[0-9a-f]{8}\.safetensors"
    r"|.+\.finished|.+\.status|.+\.news|.+\.partial",
    mark=MARK,
    # the mark after everything else; the lock at the very end, so that no other run starts here
    last=(MARK, LOCK),
)


@contextmanager
def claimed(directory: Path, *, fresh: bool = False) -> Iterator[None]:
    """Lock the folder; the lock ends with the process, even if it is killed.

    ``fresh`` empties the folder first. Links and folders with unknown files are refused.

    Raises RunError (VZ606) where another process holds the lock, (VZ503) where the folder cannot
    be created or used.
    """
    file = _errors_explained(directory, lambda: _acquire(directory))
    if file is None:
        raise RunError(
            Diagnostic(
                "VZ606",
                f"another process is training this spec in {directory}",
                hint="wait for it or stop it; the same command then resumes from there",
            )
        )
    try:
        if fresh:
            _errors_explained(directory, lambda: _empty(directory))
        yield
    finally:
        os.close(file)


def remove_run_folder(directory: Path) -> None:
    """Remove the folder of a finished run, while it is locked.

    Raises OSError where it cannot be removed, or vaezoo did not create it.
    """
    remove_own_folder(directory, RUN_FOLDER)


def _errors_explained(directory: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        hint = (
            error.hint if isinstance(error, InTheWay) else "run in a folder with write permission"
        )
        raise RunError(
            Diagnostic(
                "VZ503",
                f"cannot use the run folder {directory}: {error.strerror or error}",
                hint=hint,
            )
        ) from None


def _acquire(directory: Path) -> int | None:
    """The locked file descriptor; None where another process holds the lock."""
    for attempt in range(_ATTEMPTS):  # another run may be removing the folder
        try:
            file = _open_lock(directory)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        is_locked = _lock(file)
        if is_locked and _is_at(file, directory / LOCK):
            return file
        os.close(file)
        if not is_locked:
            return None
    return None


def _open_lock(directory: Path) -> int:
    directory.parent.mkdir(parents=True, exist_ok=True)
    make_own_folder(directory)
    refuse_unknown(directory, RUN_FOLDER)
    if not (directory / MARK).is_file():
        write_whole(directory / MARK, _MARK)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        file = os.open(directory / LOCK, flags, 0o644)
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    reason = f"{directory / LOCK} is not a regular file"
    raise InTheWay(directory, reason, f"remove {directory / LOCK}")


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _empty(directory: Path) -> None:
    for path in list(directory.iterdir()):
        if path.name not in (LOCK, MARK):
            remove(path)


def _lock(file: int) -> bool:
    """Whether this process got the lock; always True where there is no flock."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
