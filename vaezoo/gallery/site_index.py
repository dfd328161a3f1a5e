"""``index.json`` of a gallery, for other programs. docs/gallery.md describes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from vaezoo.diagnostics import Diagnostic
from vaezoo.gallery.entry_page import ENTRIES, PAGE, FoundEntry, as_json_data
from vaezoo.gallery.entry_summary import EntrySummary
from vaezoo.gallery.protocol_groups import ProtocolGroup, grouped

INDEX_FORMAT = "vaezoo gallery index 1"


@dataclass(frozen=True)
class DamagedEntry:
    """An entry that cannot be shown, and why."""

    name: str
    code: str
    message: str

    @classmethod
    def of(cls, found: FoundEntry, problem: Diagnostic) -> DamagedEntry:
        """The problem, without the path on this computer."""
        name = found.entry.name.encode("utf-8", "backslashreplace").decode()
        message = problem.message.replace(str(found.entry.path), name)
        return cls(name, problem.code, message.encode("utf-8", "backslashreplace").decode())


def site_index(
    title: str, entries: Sequence[EntrySummary], damaged: Sequence[DamagedEntry]
) -> dict[str, Any]:
    """The content of ``index.json``."""
    return {
        "format": INDEX_FORMAT,
        "vaezoo": metadata.version("vaezoo"),
        "title": title,
        "entries": [_entry(entry) for entry in entries],
        "protocols": [_protocol(group) for group in grouped(entries)],
        "damaged": [vars(one) for one in damaged],
    }


def _entry(entry: EntrySummary) -> dict[str, Any]:
    folder = f"{ENTRIES}/{entry.slug}"
    data = as_json_data(entry)
    return {
        **data,
        "page": f"{folder}/{PAGE}",
        "verdict": entry.verdict,
        "pictures": [{**one, "file": f"{folder}/{one['file']}"} for one in data["pictures"]],
        "tiles": {**data["tiles"], "file": f"{folder}/{entry.tiles.file}"} if entry.tiles else None,
        "spec": {one.key: one.text for one in entry.spec},
        "pages": {one.title: f"{folder}/{one.file}" for one in entry.pages},
    }


def _protocol(group: ProtocolGroup) -> dict[str, Any]:
    """A protocol and its entries, the highest test ELBO first."""
    return {
        **dataclasses.asdict(group.protocol),
        "entries": [member.entry.slug for member in group.members],
    }
