"""One run at a time in a run's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, RunError

LOCK = "lock"


@contextmanager
def claimed(directory: Path, *, fresh: bool = False) -> Iterator[None]:
    """Hold the folder for this process; the claim ends with the process, however that ends.

    ``fresh`` empties it first.

    Raises RunError (VZ606) where another process holds it, (VZ503) where it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunError(
            Diagnostic(
                "VZ503",
                f"the run's folder {directory} cannot be written: {error.strerror}",
                hint="run in a folder that you can write to",
            )
        ) from None
    try:
        if not _lock(file):
            raise RunError(
                Diagnostic(
                    "VZ606",
                    f"another process is training this spec in {directory}",
                    hint="wait for it, or stop it; the same command then goes on from there",
                )
            )
        for left in list(directory.iterdir()) if fresh else ():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            elif left.name != LOCK:
                left.unlink()
        yield
    finally:
        os.close(file)


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
