"""A run's folder: one run at a time in it, and removed when the run is done."""

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
_MARK = (
    b"vaezoo keeps a run here, and removes this folder with all it holds when the run is done.\n"
)
#: A run's folder or a sweep's. Those of earlier versions have no mark.
RUN_FOLDER = Made(
    what="the folder of a run",
    name=r".+-(?:[0-9a-f]{8}|sweep)",
    inside=r"lock|sender|checkpoint\.safetensors|together\.json|together-[0-9a-f]{8}\.safetensors"
    r"|.+\.finished|.+\.news|.+\.partial",
    mark=MARK,
    # the mark while anything else is left; the lock to the end, so that nobody else begins here
    last=(MARK, LOCK),
)


@contextmanager
def claimed(directory: Path, *, fresh: bool = False) -> Iterator[None]:
    """Hold the folder for this process; the claim ends with the process, however that ends.

    ``fresh`` empties it first. A folder that holds files of others is not used, nor is a link.

    Raises RunError (VZ606) where another process holds it, (VZ503) where it cannot be made or
    used.
    """
    file = _explained(directory, lambda: _locked(directory))
    if file is None:
        raise RunError(
            Diagnostic(
                "VZ606",
                f"another process is training this spec in {directory}",
                hint="wait for it, or stop it; the same command then goes on from there",
            )
        )
    try:
        if fresh:
            _explained(directory, lambda: _empty(directory))
        yield
    finally:
        os.close(file)


def remove_run_folder(directory: Path) -> None:
    """Remove the folder of a run that is done. Only called while it is claimed.

    Raises OSError where it cannot be removed, or is not one that vaezoo made.
    """
    remove_own_folder(directory, RUN_FOLDER)


def _explained(directory: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        hint = (
            error.hint if isinstance(error, InTheWay) else "run in a folder that you can write to"
        )
        raise RunError(
            Diagnostic(
                "VZ503",
                f"the run's folder {directory} cannot be used: {error.strerror or error}",
                hint=hint,
            )
        ) from None


def _locked(directory: Path) -> int | None:
    """The open lock of the folder; None where another process has it."""
    for attempt in range(_ATTEMPTS):  # a run that is done may just be removing the folder
        try:
            file = _open_lock(directory)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        is_ours = _lock(file)
        if is_ours and _is_at(file, directory / LOCK):
            return file
        os.close(file)
        if not is_ours:
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
    for left in list(directory.iterdir()):
        if left.name not in (LOCK, MARK):
            remove(left)


def _lock(file: int) -> bool:
    """Whether this process has the lock now. Where there is no flock, nothing is held."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
