"""Lock a zoo for writing, and clean up after killed commands."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.system.file_lock import locked
from vaezoo.system.folders import (
    PARTIAL,
    InTheWay,
    make_own_folder,
    refuse_unknown,
    remove_own_folder,
)
from vaezoo.zoo import entry as layout
from vaezoo.zoo.atomic_replace import Swap, notes, settle
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.predecessors import kept_path
from vaezoo.zoo.remote.remote_cache import is_cached
from vaezoo.zoo.zoo_folders import ENTRY, LOCK, STAGING, TRASH, discard, new_staged, trash_path

#: Seconds to wait for another writer, which needs about one.
_LOCK_TIMEOUT = 60.0
_STAGED = re.compile(r"(?P<name>.+)-[a-z0-9_]{8}")


@contextmanager
def open_for_writing(folder: Path) -> Iterator[frozenset[str]]:
    """Lock the zoo for writing; an OSError inside becomes ZooError (VZ503).

    First cleans up after killed commands. Yields the names of the entries whose interrupted
    restore was completed.
    """
    _refuse_cache(folder)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        make_own_folder(folder / STAGING)
        with locked(folder / LOCK, timeout=_LOCK_TIMEOUT):
            restored = _settle_all(folder)
            _tidy(folder)
            yield restored


def _refuse_cache(folder: Path) -> None:
    """Raise ZooError (VZ503) for the cache of remote zoos: digests of its files are known."""
    if is_cached(folder):
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"{folder} has a downloaded entry, which stays as it is",
                hint="copy it to a zoo first: vaezoo pull ADDRESS --into FOLDER",
            )
        )


def complete_interrupted(folder: Path) -> None:
    """Complete or undo the write that a killed command left in the zoo's staging folder, if any.

    A zoo without leftovers is not written to. Raises ZooError (VZ503).
    """
    staging = folder / STAGING
    if staging.is_dir() and not staging.is_symlink() and any(staging.iterdir()):
        with open_for_writing(folder):
            pass


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """An OSError inside becomes ZooError (VZ503)."""
    try:
        yield
    except OSError as error:
        hint = (
            error.hint
            if isinstance(error, InTheWay)
            else "the zoo is unchanged; free some space or choose another folder with --zoo or "
            "VAEZOO_ZOO, then repeat the command"
        )
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"cannot write {error.filename or folder}: {error.strerror or error}",
                hint=hint,
            )
        ) from error


@contextmanager
def staged_entry(folder: Path, name: str, *, prefix: str = "") -> Iterator[Path]:
    """A folder to prepare an entry in, deleted if that fails.

    With the trash prefix, it is also deleted after a kill.
    """
    staged = new_staged(folder, f"{prefix}{name}-")
    inode = staged.stat().st_ino
    try:
        yield staged
    except BaseException:
        # If undoing a swap failed, the old entry is here; _tidy will keep it.
        if staged.exists() and staged.stat().st_ino == inode:
            with contextlib.suppress(OSError):
                discard(folder, staged)
        raise


def _settle_all(folder: Path) -> frozenset[str]:
    """Complete interrupted replacements; return the names of restored entries."""
    restored = set()
    for note, swap in notes(folder):
        if swap and settle(folder, swap, _free(folder, swap)) and swap.command == "restore":
            restored.add(swap.name)
        note.unlink()
    return frozenset(restored)


def _free(folder: Path, swap: Swap) -> Path:
    is_trash = Path(swap.kept).parts[0] == STAGING
    return trash_path(folder) if is_trash else kept_path(folder, swap.name)


def _tidy(folder: Path) -> None:
    """Remove leftovers of killed commands from the staging folder.

    A complete entry was about to be published or had just been replaced: it is kept as a
    predecessor. Files of others remain. Only called under the lock, so no other process is
    staging.
    """
    for left in sorted((folder / STAGING).iterdir()):
        if left.is_symlink():
            continue
        if left.is_dir():
            _tidy_folder(folder, left)
        elif re.fullmatch(PARTIAL, left.name):
            left.unlink()


def _tidy_folder(folder: Path, left: Path) -> None:
    try:
        refuse_unknown(left, ENTRY)
    except InTheWay:
        return
    staged = _STAGED.fullmatch(left.name)
    if left.name.startswith(TRASH):
        remove_own_folder(left, ENTRY)
    elif staged and _is_complete(left, staged["name"]):
        os.rename(left, kept_path(folder, staged["name"]))
    elif staged:
        discard(folder, left)


def _is_complete(folder: Path, name: str) -> bool:
    if not (folder / layout.CARD).is_file():
        return False
    try:
        Entry(folder, name).check()
    except ZooError:
        return False
    return True
