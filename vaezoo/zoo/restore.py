"""Taking a publish back, and clearing away what publishes replaced."""

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
from vaezoo.zoo.zoo_folders import discard
from vaezoo.zoo.zoo_lock import open_for_writing


def restore(name: str, *, zoo: str | Path | None = None) -> Entry:
    """Put the newest predecessor of an entry back; the present one becomes a predecessor.

    Where a kill interrupted the same command, that one is completed instead.

    Raises UsageError (VZ501) where there is none, ZooError (VZ502) for one that is damaged, which
    is left where it lies, and (VZ503) where it cannot be done.
    """
    folder = _existing(own_folder(zoo))
    with open_for_writing(folder) as restored:
        if name not in restored:
            newest = _of(folder, name)[0]
            _require_whole(newest)
            replace(folder, name, newest.path, kept_path(folder, name), "restore")
    return Entry(folder / name, name)


def prunable(name: str | None = None, *, zoo: str | Path | None = None) -> list[Predecessor]:
    """What ``prune`` would delete: the predecessors of one entry, or of all.

    Raises UsageError (VZ501) for a name that has none, ZooError (VZ503) for a zoo that cannot be
    written.
    """
    folder = _existing(own_folder(zoo))
    with open_for_writing(folder):
        return predecessors(folder) if name is None else _of(folder, name)


def prune(
    several: Sequence[Predecessor], *, zoo: str | Path | None = None
) -> tuple[Predecessor, ...]:
    """Delete predecessors for good; gives those that were still there.

    Raises ZooError (VZ503) where it cannot be done.
    """
    folder = own_folder(zoo)
    with open_for_writing(folder):
        there = tuple(one for one in several if one.is_there)
        for one in there:
            discard(folder, one.path)
    return there


def _require_whole(predecessor: Predecessor) -> None:
    """Raise ZooError (VZ502) unless a predecessor is a whole entry."""
    try:
        _check(Entry(predecessor.path, predecessor.name))
    except ZooError as error:
        reason = "; ".join(finding.message for finding in error.diagnostics)
        raise ZooError(
            Diagnostic(
                "VZ502",
                f"the newest predecessor of {predecessor.name} is damaged: {reason}",
                hint=f"move {predecessor.path} out of the zoo, and the same command restores the "
                "one before it, if there is one",
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
    tensors, header = readable(entry.weights_path, safetensors_io.load)  # an earlier format
    if safetensors_io.digest(tensors) != header["digest"]:
        raise damaged(f"the weights in {entry.weights_path} are not those that were published")


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
