"""Find what names and addresses of remote zoos stand for.

An address stands for the revision that was first downloaded by it, until ``vaezoo pull`` gets a
newer one. So a model does not change unasked, and works without a network.
"""

from __future__ import annotations

import os
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, UsageError, suggest
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.remote.added_zoos import added_zoos
from vaezoo.zoo.remote.address import (
    Address,
    EntryAddress,
    checked_name,
    entry_address,
    is_address,
    split_revision,
    zoo_address,
)
from vaezoo.zoo.remote.fetch_entry import fetch_entry, fetch_index
from vaezoo.zoo.remote.remote_cache import (
    cache_explained,
    cached_entry,
    kept_revision,
    pin,
    pinned,
)
from vaezoo.zoo.remote.remote_files import RemoteFiles, open_files
from vaezoo.zoo.remote.zoo_index import ZooIndex


def remote_zoo(zoo: str | Path | None) -> Address | None:
    """The address that ``--zoo`` names, itself or by a short name; None for a folder.

    A folder of that name comes first. Raises UsageError (VZ510) for an invalid address.
    """
    if not isinstance(zoo, str):
        return None
    if is_address(zoo):
        return zoo_address(zoo)
    if os.sep in zoo or os.path.isdir(zoo):
        return None
    return added_zoos().get(zoo)


def entry_at(text: str) -> EntryAddress | None:
    """The entry that an address or a text such as ``lab/NAME`` means; None for other texts.

    A file or folder at the path ``lab/NAME`` comes first. Raises UsageError (VZ510).
    """
    if is_address(text):
        return entry_address(text)
    short, slash, last = text.partition("/")
    if not slash or not short or not last or "/" in last or os.path.lexists(text):
        return None
    zoo = added_zoos().get(short)
    if zoo is None:
        return None
    name, revision = split_revision(last, text)
    return EntryAddress(zoo, checked_name(name, text), revision, f"{short}/{name}")


def remote_entry(text: str, zoo: Address | None = None) -> Entry | None:
    """The entry that an address or ``lab/NAME`` stands for, or the name in ``zoo``.

    It is downloaded on first use. None for other texts, and for a name that ``zoo`` does not have.
    Raises what ``pulled`` raises.
    """
    address = entry_at(text)
    if address is not None:
        return pulled(address)
    if zoo is None or "/" in text or os.sep in text:
        return None
    name, revision = split_revision(text, text)
    address = EntryAddress(zoo, checked_name(name, text), revision, zoo.entry(name))
    known = _without_network(address)
    if known is not None or name in fetch_index(open_files(zoo)).entries:
        return known or pulled(address)
    return None


def pulled(address: EntryAddress, *, newest: bool = False) -> Entry:
    """The entry at an address, downloaded if necessary.

    With ``newest``, the zoo is asked for the newest revision, and the files in the cache are
    checked against their digests.

    Raises UsageError (VZ501) for an entry or revision that the zoo does not have, ZooError (VZ507)
    for a zoo that cannot be read, (VZ508) for one that must not be used, (VZ503) if the cache
    cannot be written.
    """
    known = None if newest else _without_network(address)
    if known is not None:
        return known
    files = open_files(address.zoo)
    revision = _full_revision(files, address)
    entry = fetch_entry(files, address, revision)
    if address.revision is None:
        with cache_explained():
            pin(address.zoo, address.name, revision)
    return entry


def _without_network(address: EntryAddress) -> Entry | None:
    if address.revision is None:
        revision = pinned(address.zoo, address.name)
    else:
        revision = kept_revision(address.zoo, address.name, address.revision)
    return cached_entry(address.name, revision) if revision else None


def _full_revision(files: RemoteFiles, address: EntryAddress) -> str:
    """All digits of the revision that an address names, or of the newest."""
    if address.revision is not None and len(address.revision) == 64:
        return address.revision
    index = fetch_index(files)
    row = index.entries.get(address.name)
    if row is None:
        raise _unknown(address, index)
    if address.revision is None:
        return row.revision
    found = [one for one in (row.revision, *row.earlier) if one.startswith(address.revision)]
    if len(found) == 1:
        return found[0]
    state = "several revisions" if found else "no revision"
    known = ", ".join(one[:12] for one in (row.revision, *row.earlier)[:5])
    raise UsageError(
        Diagnostic(
            "VZ501",
            f"{address.zoo.entry(address.name)} has {state} {address.revision}",
            hint=f"newest first: {known}; an older one is found by all of its 64 digits",
        )
    )


def _unknown(address: EntryAddress, index: ZooIndex) -> UsageError:
    hint = suggest(address.name, list(index.entries), "entries")
    message = f"no entry called {address.name!r} in the zoo {address.zoo}"
    return UsageError(Diagnostic("VZ501", message, hint=hint))
