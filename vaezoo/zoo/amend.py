"""Figures that are added to an entry after its run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from vaezoo.diagnostics import ZooError
from vaezoo.registry import Figure
from vaezoo.zoo import entry as layout
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.predecessors import kept_path
from vaezoo.zoo.publish import open_for_writing, seal, staged_entry, write_text
from vaezoo.zoo.records import Metrics, metrics_text
from vaezoo.zoo.swap import replace


def cannot_amend(entry: Entry) -> str | None:
    """Why figures cannot be added to an entry, if so."""
    if entry.stands_alone:
        return "a weights file alone has no metrics.json"
    if not os.access(entry.path.parent, os.W_OK):
        return f"{entry.path} cannot be written"
    if not entry.is_sealed:
        return f"it is of an earlier format; 'vaezoo zoo migrate {entry.name}' brings it up to date"
    try:
        changed = differences(entry, read_manifest(entry))
    except ZooError as error:
        return error.diagnostics[0].message
    if changed:  # they would be sealed with the new figures
        name, problem = next(iter(changed.items()))
        return f"{name} is not as it was published: {problem}"
    return None


def amend(entry: Entry, metrics: Metrics) -> Entry:
    """The entry with these metrics in the place of its own.

    ``metrics.json``, the card and the manifest change together, or not at all. Raises ZooError
    (VZ503).
    """
    folder = entry.path.parent
    with open_for_writing(folder), staged_entry(folder, entry.name) as staged:
        # the card is written last: a staged folder that has one is whole
        ignore = shutil.ignore_patterns(layout.CARD, f"{layout.MANIFEST}*")
        shutil.copytree(entry.path, staged, ignore=ignore, dirs_exist_ok=True)
        write_text(staged / layout.METRICS, metrics_text(metrics))
        seal(Entry(staged, entry.name))
        former = kept_path(folder, entry.name)
        replace(staged, entry.path, former)
        shutil.rmtree(former)  # everything it held is in the new one, but for older figures
    return Entry(entry.path, entry.name)


def with_figures(before: Sequence[Figure], now: Sequence[Figure]) -> tuple[Figure, ...]:
    """All figures; a new one stands where the one of its split and name stood."""
    merged = {(figure.split, figure.name): figure for figure in before}
    merged |= {(figure.split, figure.name): figure for figure in now}
    return tuple(merged.values())
