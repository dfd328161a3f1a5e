"""``pull``: download an entry of a remote zoo, as ``vaezoo pull`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, suggest
from vaezoo.registry import Registry
from vaezoo.system.folders import refuse_link
from vaezoo.zoo import entry as layout
from vaezoo.zoo.add_metrics import copy_files
from vaezoo.zoo.atomic_replace import replace
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.lock import missing_plugins
from vaezoo.zoo.predecessors import kept_path
from vaezoo.zoo.remote.added_zoos import added_zoos
from vaezoo.zoo.remote.address import EntryAddress
from vaezoo.zoo.remote.file_table import table_of
from vaezoo.zoo.remote.resolve import entry_at, pulled
from vaezoo.zoo.search import own_folder
from vaezoo.zoo.write_lock import open_for_writing, staged_entry


@dataclass(frozen=True)
class Pulled:
    """A downloaded entry. ``missing`` says which plugins it needs besides the installed ones."""

    entry: Entry
    address: EntryAddress
    revision: str
    missing: Sequence[Diagnostic] = ()

    @property
    def pinned(self) -> str:
        """The address of exactly this revision."""
        return self.address.zoo.entry(self.address.name, self.revision[:12])


def pull(
    address: str, *, into: str | Path | None = None, registry: Registry | None = None
) -> Pulled:
    """Download an entry: ``vaezoo.pull("hf://user/repo/NAME").entry``.

    ``address`` is that of an entry, with ``@REVISION`` or without, or a short one such as
    ``lab/NAME``. Without a revision, the newest is downloaded, and the address stands for it from
    now on. The files are kept in the cache; ``into`` also copies the entry to a zoo folder, in
    which an entry of that name is kept as a predecessor. No code of the entry is run.

    Raises UsageError (VZ510) for an address that cannot be used, (VZ501) for an unknown entry or
    revision; ZooError (VZ507) for a zoo that cannot be read, (VZ508) for one that must not be used,
    (VZ503) if files cannot be written.
    """
    from vaezoo.registry import discover

    found = entry_at(address)
    if found is None:
        raise _no_address(address)
    entry = pulled(found, newest=True)
    revision = entry.path.parent.name
    if into is not None:
        entry = _copied(entry, own_folder(into))
    missing = missing_plugins(entry.lock, registry or discover(), entry.name)
    return Pulled(entry, found, revision, missing)


def _copied(entry: Entry, folder: Path) -> Entry:
    """Copy an entry to a zoo folder, complete or not at all."""
    with open_for_writing(folder), staged_entry(folder, entry.name) as staged:
        refuse_link(folder / entry.name)
        names = [name for name in entry.files() if name != layout.CARD]
        copy_files(entry, staged, names)
        copy_files(entry, staged, [layout.CARD])  # last: a staged folder with a card is complete
        if table_of(Entry(staged, entry.name)).text != table_of(entry).text:
            raise OSError("the copy differs from the downloaded entry")
        replace(folder, entry.name, staged, kept_path(folder, entry.name), "publish")
    return Entry(folder / entry.name, entry.name)


def _no_address(text: str) -> UsageError:
    short, slash, _ = text.partition("/")
    hint = "write an address such as hf://user/repo/NAME, or SHORT/NAME after 'vaezoo zoo add'"
    if slash:
        hint = f"{suggest(short, list(added_zoos()), 'short names')}; {hint}"
    return UsageError(Diagnostic("VZ510", f"{text} is not an address of an entry", hint=hint))
