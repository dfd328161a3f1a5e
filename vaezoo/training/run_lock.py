"""The folder of a run: locked by one process, removed when the run is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.system.file_lock import LockHeld, locked
from vaezoo.system.files import write_whole
from vaezoo.system.folders import (
    InTheWay,
    Made,
    make_own_folder,
    refuse_unknown,
    remove,
    remove_own_folder,
)

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
    with ExitStack() as stack:
        with _errors_explained(directory):
            _claim(directory, stack)
            if fresh:
                _empty(directory)
        yield


def remove_run_folder(directory: Path) -> None:
    """Remove the folder of a finished run, while it is locked.

    Raises OSError where it cannot be removed, or vaezoo did not create it.
    """
    remove_own_folder(directory, RUN_FOLDER)


@contextmanager
def _errors_explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except LockHeld:
        raise RunError(
            Diagnostic(
                "VZ606",
                f"another process is training this spec in {directory}",
                hint="wait for it or stop it; the same command then resumes from there",
            )
        ) from None
    except OSError as error:
        hint = (
            error.hint if isinstance(error, InTheWay) else "run in a folder with write permission"
        )
        reason = error.strerror or str(error)
        if error.filename not in (None, str(directory)):
            reason = f"{error.filename}: {reason}"
        raise RunError(
            Diagnostic("VZ503", f"cannot use the run folder {directory}: {reason}", hint=hint)
        ) from None


def _claim(directory: Path, stack: ExitStack) -> None:
    """Make the folder and lock it until the stack ends. Raises LockHeld, OSError."""
    for attempt in range(_ATTEMPTS):
        try:
            _make(directory)
            stack.enter_context(locked(directory / LOCK))
            return
        except FileNotFoundError:  # another run has removed the folder meanwhile
            if attempt == _ATTEMPTS - 1:
                raise


def _make(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    make_own_folder(directory)
    refuse_unknown(directory, RUN_FOLDER)
    if not (directory / MARK).is_file():
        write_whole(directory / MARK, _MARK)


def _empty(directory: Path) -> None:
    for path in list(directory.iterdir()):
        if path.name not in (LOCK, MARK):
            remove(path)
