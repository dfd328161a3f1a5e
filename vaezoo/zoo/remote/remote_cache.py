"""What vaezoo keeps of remote zoos in its cache folder, so that it works offline.

remote/entries/REVISION/NAME/     a downloaded entry; its files never change
remote/entries/REVISION.json      its list of files
remote/incoming/REVISION/…        a download in progress, which a later pull resumes
remote/zoos/KEY/NAME              the revision that an address stands for since it was pulled
remote/zoos/KEY/.index.json       the last index of a zoo

``KEY`` is a digest of the zoo's address, which contains no password.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.system.files import cache_folder, write_whole
from vaezoo.system.regular_file import read_regular
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.remote.address import Address
from vaezoo.zoo.remote.file_table import LARGEST_TABLE, FileTable, read_table
from vaezoo.zoo.remote.zoo_index import LARGEST_INDEX, ZooIndex, read_index

_REVISION = re.compile(r"[0-9a-f]{64}")
_INDEX = ".index.json"


def remote_folder() -> Path:
    """The folder of everything that came from remote zoos."""
    return cache_folder() / "remote"


def incoming_folder(revision: str) -> Path:
    """Where the files of a revision are downloaded to."""
    return remote_folder() / "incoming" / revision


def cached_path(name: str, revision: str) -> Path:
    """The folder of a downloaded entry."""
    return remote_folder() / "entries" / revision / name


def is_cached(path: Path) -> bool:
    """Whether a path is in the cache, where nothing may be changed."""
    return remote_folder().absolute() in path.absolute().parents


def cached_entry(name: str, revision: str) -> Entry | None:
    """A downloaded entry; None if it is missing or incomplete. Its digests are not computed."""
    table = cached_table(name, revision)
    path = cached_path(name, revision)
    if table is None:
        return None
    try:
        complete = all((path / one).stat().st_size == f.bytes for one, f in table.files.items())
    except OSError:
        return None
    return Entry(path, name) if complete else None


def cached_table(name: str, revision: str) -> FileTable | None:
    """The list of files of a downloaded revision."""
    try:
        return read_table(read_regular(_table_path(revision), LARGEST_TABLE), name, revision)
    except (OSError, ValueError):
        return None


def keep_table(table: FileTable) -> None:
    """Write the list of files of a revision. Raises OSError."""
    path = _table_path(table.revision)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, table.text)


def pinned(zoo: Address, name: str) -> str | None:
    """The revision that was last pulled as ``name``; None if none was."""
    try:
        text = read_regular(_zoo_folder(zoo) / name, 200).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _REVISION.fullmatch(text) else None


def pin(zoo: Address, name: str, revision: str) -> None:
    """Let an address stand for a revision from now on. Raises OSError."""
    folder = _zoo_folder(zoo)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / name, f"{revision}\n".encode())


def kept_revision(zoo: Address, name: str, prefix: str) -> str | None:
    """A downloaded revision that begins with ``prefix``, if there is exactly one.

    Any zoo may have supplied it, since the digests in it are checked against the revision.
    """
    if len(prefix) == 64:
        return prefix if cached_entry(name, prefix) else None
    with suppress(OSError):
        tables = (remote_folder() / "entries").glob(f"{prefix}*.json")
        found = [path.stem for path in tables if cached_entry(name, path.stem)]
        return found[0] if len(found) == 1 else None
    return None


def keep_index(zoo: Address, index: ZooIndex) -> None:
    """Keep the index of a zoo for use without a network; failures are of no importance."""
    with suppress(OSError):
        folder = _zoo_folder(zoo)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / _INDEX, index.text())


def kept_index(zoo: Address) -> ZooIndex | None:
    """The last index of a zoo that was read."""
    try:
        return read_index(read_regular(_zoo_folder(zoo) / _INDEX, LARGEST_INDEX))
    except (OSError, ValueError):
        return None


@contextmanager
def cache_explained() -> Iterator[None]:
    """An OSError inside becomes ZooError (VZ503)."""
    try:
        yield
    except OSError as error:
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"cannot write {error.filename or remote_folder()}: {error.strerror or error}",
                hint="free disk space, or choose another cache folder with VAEZOO_CACHE; the same "
                "command continues where it stopped",
            )
        ) from None


def _table_path(revision: str) -> Path:
    return remote_folder() / "entries" / f"{revision}.json"


def _zoo_folder(zoo: Address) -> Path:
    key = hashlib.sha256(str(zoo).encode()).hexdigest()[:32]
    return remote_folder() / "zoos" / key
