"""Restore and delete replaced entries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.system import safetensors_io
from vaezoo.zoo.atomic_replace import replace
from vaezoo.zoo.entry import Entry, damaged, readable
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.predecessors import Predecessor, kept_path, predecessors
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.write_lock import open_for_writing
from vaezoo.zoo.zoo_folders import discard


def restore(name: str, *, zoo: str | Path | None = None) -> Entry:
    """Restore the newest predecessor of an entry; the current one becomes a predecessor.

    Completes an interrupted restore instead, if there is one.

    Raises UsageError (VZ501) without a predecessor, ZooError (VZ502) for a damaged one, which
    remains in place, and (VZ503) if files cannot be moved.
    """
    folder = _existing(own_folder(zoo))
    with open_for_writing(folder) as restored:
        if name not in restored:
            newest = _of(folder, name)[0]
            _require_complete(newest)
            replace(folder, name, newest.path, kept_path(folder, name), "restore")
    return Entry(folder / name, name)


def prunable(name: str | None = None, *, zoo: str | Path | None = None) -> list[Predecessor]:
    """The predecessors that ``prune`` would delete: of one entry, or of all.

    Raises UsageError (VZ501) for a name without any, ZooError (VZ503) for an unwritable zoo.
    """
    folder = _existing(own_folder(zoo))
    with open_for_writing(folder):
        return predecessors(folder) if name is None else _of(folder, name)


def prune(
    several: Sequence[Predecessor], *, zoo: str | Path | None = None
) -> tuple[Predecessor, ...]:
    """Delete predecessors; return those that still existed. Raises ZooError (VZ503)."""
    folder = own_folder(zoo)
    with open_for_writing(folder):
        existing = tuple(one for one in several if one.exists)
        for one in existing:
            discard(folder, one.path)
    return existing


def _require_complete(predecessor: Predecessor) -> None:
    """Raise ZooError (VZ502) unless a predecessor is a complete entry."""
    try:
        _check(Entry(predecessor.path, predecessor.name))
    except ZooError as error:
        reason = "; ".join(finding.message for finding in error.diagnostics)
        raise ZooError(
            Diagnostic(
                "VZ502",
                f"the newest predecessor of {predecessor.name} is damaged: {reason}",
                hint=f"move {predecessor.path} out of the zoo and repeat the command, to restore "
                "the one before it",
            )
        ) from None


def _check(entry: Entry) -> None:
    entry.check()
    _ = entry.history
    if entry.is_sealed:
        changed = differences(entry, read_manifest(entry))
        if changed:
            raise damaged("; ".join(f"{name}: {problem}" for name, problem in changed.items()))
        return
    tensors, header = readable(entry.weights_path, safetensors_io.load)  # an older format
    if safetensors_io.digest(tensors) != header["digest"]:
        raise damaged(f"the weights in {entry.weights_path} were changed after publishing")


def _existing(folder: Path) -> Path:
    if os.path.isdir(folder):
        return folder
    raise UsageError(Diagnostic("VZ501", f"no zoo folder {folder}", hint="choose one with --zoo"))


def _of(folder: Path, name: str) -> list[Predecessor]:
    found = predecessors(folder, name)
    if found:
        return found
    known = sorted({p.name for p in predecessors(folder)})
    raise UsageError(
        Diagnostic(
            "VZ501",
            f"{name!r} has no predecessor in {folder}",
            hint=suggest(name, known, "entries with predecessors"),
        )
    )
