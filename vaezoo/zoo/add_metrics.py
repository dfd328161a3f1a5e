"""Add figures to an entry after its run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.registry import Figure, Metrics
from vaezoo.system.folders import refuse_link
from vaezoo.system.regular_file import open_regular
from vaezoo.zoo import entry as layout
from vaezoo.zoo.atomic_replace import replace, sync_folder
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.publish import seal, write_text
from vaezoo.zoo.records import metrics_text
from vaezoo.zoo.remote.remote_cache import is_cached
from vaezoo.zoo.search import words_for
from vaezoo.zoo.write_lock import open_for_writing, staged_entry
from vaezoo.zoo.zoo_folders import TRASH, discard, home_of, trash_path


def cannot_amend(entry: Entry) -> str | None:
    """Why figures cannot be added to an entry; None if they can."""
    if entry.stands_alone:
        return "a weights file alone has no metrics.json"
    if is_cached(entry.path):
        return f"{entry.path} is a downloaded copy; 'vaezoo pull ADDRESS --into FOLDER' copies it"
    if not os.access(entry.path.parent, os.W_OK):
        return f"{entry.path} cannot be written"
    if not entry.is_sealed:
        return f"it has an older format; 'vaezoo zoo migrate {words_for(entry)}' updates it"
    try:
        changed = differences(entry, read_manifest(entry))
    except ZooError as error:
        return error.diagnostics[0].message
    if changed:  # the new manifest would accept them
        name, problem = next(iter(changed.items()))
        return f"{name} was changed after publishing: {problem}"
    return None


def amend(entry: Entry, with_new: Callable[[Entry], Metrics]) -> Entry:
    """Replace an entry's metrics by those that ``with_new`` makes of the current entry.

    ``metrics.json``, the card and the manifest change together and atomically. Raises ZooError
    (VZ503), also if the entry was replaced since ``entry`` was read.
    """
    path = home_of(entry)
    folder = path.parent
    with (
        open_for_writing(folder),
        # after a kill, the entry is the old or the new one; the staged copy is trash
        staged_entry(folder, path.name, prefix=TRASH) as staged,
    ):
        refuse_link(path)
        now = Entry(path, entry.name)
        if now.header != entry.header:
            raise _replaced(entry)
        copy_files(now, staged, [name for name in now.files() if not _is_rewritten(name)])
        write_text(staged / layout.METRICS, metrics_text(with_new(now)))
        seal(Entry(staged, entry.name))
        former = trash_path(folder)
        replace(folder, path.name, staged, former, "record")
        discard(folder, former)  # the new entry has everything but the old figures
    return Entry(entry.path, entry.name)


def _is_rewritten(name: str) -> bool:
    return name in (layout.METRICS, layout.CARD) or name.startswith(layout.MANIFEST)


def copy_files(entry: Entry, staged: Path, names: Sequence[str]) -> None:
    """Copy files of an entry to a staged folder, and sync them to disk. Raises OSError."""
    for name in names:
        (staged / name).parent.mkdir(exist_ok=True)
        with (
            open_regular(entry.path / name, within=entry.path) as source,
            (staged / name).open("xb") as copy,
        ):
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
    for below in staged.iterdir():
        if below.is_dir():
            sync_folder(below)


def _replaced(entry: Entry) -> ZooError:
    return ZooError(
        Diagnostic(
            "VZ503",
            f"the figures were not recorded: {entry.path} was replaced while they were computed",
            hint="repeat the command to compute the figures of the new entry",
        )
    )


def with_figures(before: Sequence[Figure], now: Sequence[Figure]) -> tuple[Figure, ...]:
    """All figures; a new one replaces an old one with the same split and name."""
    merged = {(figure.split, figure.name): figure for figure in before}
    merged |= {(figure.split, figure.name): figure for figure in now}
    return tuple(merged.values())
