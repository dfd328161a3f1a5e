"""Taking a publish back, and clearing away what publishes replaced."""

from __future__ import annotations

import os
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, suggest
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.predecessors import Predecessor, kept_path, predecessors, remove
from vaezoo.zoo.publish import open_for_writing
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.swap import replace


def restore(name: str, *, zoo: str | Path | None = None) -> Entry:
    """Put the newest predecessor of an entry back; the present one becomes a predecessor.

    Raises UsageError (VZ501) where there is none, ZooError (VZ503) where it cannot be done.
    """
    folder = _existing(own_folder(zoo))
    with open_for_writing(folder):
        newest = _of(folder, name)[0]
        replace(newest.path, folder / name, kept_path(folder, name))
    return Entry(folder / name, name)


def prunable(name: str | None = None, *, zoo: str | Path | None = None) -> list[Predecessor]:
    """What ``prune`` would delete: the predecessors of one entry, or of all.

    Raises UsageError (VZ501) for a name that has none.
    """
    folder = _existing(own_folder(zoo))
    return predecessors(folder) if name is None else _of(folder, name)


def prune(several: list[Predecessor], *, zoo: str | Path | None = None) -> None:
    """Delete predecessors for good. Raises ZooError (VZ503) where it cannot be done."""
    with open_for_writing(own_folder(zoo)):
        remove(several)


def _existing(folder: Path) -> Path:
    if os.path.isdir(folder):
        return folder
    raise UsageError(
        Diagnostic("VZ501", f"there is no zoo folder {folder}", hint="give one with --zoo")
    )


def _of(folder: Path, name: str) -> list[Predecessor]:
    found = predecessors(folder, name)
    if found:
        return found
    known = sorted({p.name for p in predecessors(folder)})
    raise UsageError(
        Diagnostic(
            "VZ501",
            f"{name!r} has no predecessor in {folder}",
            hint=suggest(name, known, "entries that have one"),
        )
    )
