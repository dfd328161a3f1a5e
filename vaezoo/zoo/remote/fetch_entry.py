"""Download a revision of an entry to the cache: resumed, checked, complete or absent."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from vaezoo.diagnostics import Diagnostic, ZooError
from vaezoo.system.file_lock import LockHeld, locked
from vaezoo.system.files import in_units
from vaezoo.system.folders import refuse_link, remove
from vaezoo.system.regular_file import open_regular
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.manifest import differences, read_manifest
from vaezoo.zoo.remote.address import EntryAddress
from vaezoo.zoo.remote.file_table import (
    LARGEST_TABLE,
    FileTable,
    RemoteFile,
    measured,
    read_table,
)
from vaezoo.zoo.remote.remote_cache import (
    cache_explained,
    cached_entry,
    cached_path,
    incoming_folder,
    keep_index,
    keep_table,
)
from vaezoo.zoo.remote.remote_files import (
    Advance,
    Missing,
    Refused,
    RemoteFiles,
    Unavailable,
    refused,
    unreachable,
)
from vaezoo.zoo.remote.transfer_progress import transfer_shown
from vaezoo.zoo.remote.zoo_index import INDEX, LARGEST_INDEX, ZooIndex, read_index

#: Attempts to read something, and seconds before the second and later ones.
_ATTEMPTS, _PAUSES = 4, (0.2, 1.0, 3.0)
#: Connections for one file, as long as each gets further.
_MOST_CUTS = 200
_LOCK_TIMEOUT = 600.0
#: Bytes of a disk to leave free.
_SPARE = 50 * 10**6

T = TypeVar("T")


def fetch_index(files: RemoteFiles) -> ZooIndex:
    """The index of a zoo, which is kept for use without a network.

    Raises ZooError (VZ507) if it cannot be read, (VZ508) if it must not be used.
    """
    try:
        index = again_and_again(lambda: _checked(read_index, files.read(INDEX, LARGEST_INDEX)))
    except Missing:
        raise ZooError(
            Diagnostic(
                "VZ507",
                f"there is no zoo at {files.address}: it has no {INDEX}",
                hint="check the address; 'vaezoo push NAME ADDRESS' creates a zoo",
            )
        ) from None
    except Unavailable as error:
        raise unreachable(files.address, error) from None
    keep_index(files.address, index)
    return index


def fetch_entry(files: RemoteFiles, address: EntryAddress, revision: str) -> Entry:
    """The entry of a full revision, from the cache if its files there are unchanged.

    Raises ZooError: (VZ507) if the zoo cannot be read, (VZ508) if a file is not what the list of
    files says, or they are no entry, (VZ503) if the cache cannot be written.
    """
    with cache_explained():
        folder = incoming_folder(revision)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with locked(folder.with_name(f".{revision}.lock"), timeout=_LOCK_TIMEOUT):
                return _intact(address.name, revision) or _fetched(files, address, revision)
        except LockHeld:
            hint = "wait for it, or end it, and repeat the command"
            message = f"another process is still downloading {address.name}"
            raise ZooError(Diagnostic("VZ507", message, hint=hint)) from None


def _fetched(files: RemoteFiles, address: EntryAddress, revision: str) -> Entry:
    name = address.name
    path = f"{name}/{revision}.json"
    try:
        table = again_and_again(
            lambda: _checked(
                lambda content: read_table(content, name, revision), files.read(path, LARGEST_TABLE)
            )
        )
        folder = incoming_folder(revision) / name
        refuse_link(folder.parent)
        folder.mkdir(parents=True, exist_ok=True)
        _require_space(table, folder)
        with transfer_shown(f"downloading {name}", table.size) as advance:
            for one, expected in table.files.items():
                source = f"{name}/{revision}/{one}"
                _download_resumed(files, source, folder / one, expected, advance)
    except Unavailable as error:
        raise unreachable(files.address, error) from None
    return _kept(address, table, folder)


def _download_resumed(
    files: RemoteFiles, source: str, target: Path, expected: RemoteFile, advance: Advance
) -> None:
    """Download a file, as long as attempts get further. Raises Unavailable, OSError."""
    partial, failures = _partial(target), 0
    for _ in range(_MOST_CUTS):
        before = _size(partial)
        try:
            return _download(files, source, target, expected, advance)
        except Unavailable as error:
            failures = 0 if _size(partial) > before else failures + 1
            if not error.again or failures == _ATTEMPTS:
                raise
            time.sleep(_PAUSES[max(failures - 1, 0)])
    raise Unavailable(f"{source} was cut off {_MOST_CUTS} times")


def _download(
    files: RemoteFiles, source: str, target: Path, expected: RemoteFile, advance: Advance
) -> None:
    """Download a file, on from where an earlier attempt stopped.

    What does not have the expected digest is deleted. Raises Unavailable, OSError.
    """
    target.parent.mkdir(exist_ok=True)
    refuse_link(target)
    if _has(target, expected):
        advance(expected.bytes)
        return
    partial = _partial(target)
    refuse_link(partial)
    start = _size(partial)
    if start >= expected.bytes:  # complete but wrong, or of another download
        partial.unlink(missing_ok=True)
        start = 0
    advance(start)
    done = start
    try:
        with partial.open("ab") as file:
            for block in files.blocks(source, start, expected.bytes):
                done += len(block)
                if done > expected.bytes:
                    raise Refused(f"{source} is longer than {expected.bytes:,} bytes", again=True)
                file.write(block)
                advance(len(block))
            file.flush()
            os.fsync(file.fileno())
        if done < expected.bytes:
            reason = f"{source} ended after {done:,} of {expected.bytes:,} bytes"
            raise Unavailable(reason, again=True)
        if not _has(partial, expected):
            raise Refused(f"{source} does not have the SHA-256 in the list of files", again=True)
    except BaseException as error:
        advance(-done)
        if isinstance(error, Refused):
            partial.unlink(missing_ok=True)
        raise
    os.replace(partial, target)


def _kept(address: EntryAddress, table: FileTable, folder: Path) -> Entry:
    """Move a complete download to its place, if it is an intact entry of its name."""
    entry = Entry(folder, address.name)
    try:
        _require_intact(entry)
    except ZooError as error:
        remove(folder.parent)
        raise refused(address.zoo, error.diagnostics[0].message) from None
    target = cached_path(address.name, table.revision)
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(target):
        remove(target)  # damaged: an intact one would have been used
    os.rename(folder, target)
    keep_table(table)
    with suppress(OSError):
        folder.parent.rmdir()
    return Entry(target, address.name)


def _require_intact(entry: Entry) -> None:
    """Raise ZooError (VZ502) unless the files are an entry and agree with its manifest."""
    entry.check()
    changed = differences(entry, read_manifest(entry))
    if changed:
        name, problem = next(iter(changed.items()))
        raise ZooError(Diagnostic("VZ502", f"{name} does not match the manifest: {problem}"))


def _intact(name: str, revision: str) -> Entry | None:
    """The entry in the cache if all digests are right."""
    entry = cached_entry(name, revision)
    if entry is None:
        return None
    try:
        _require_intact(entry)
    except ZooError:
        return None
    return entry


def _require_space(table: FileTable, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if table.size + _SPARE > free:
        raise ZooError(
            Diagnostic(
                "VZ503",
                f"{table.name} has {in_units(table.size)}, the disk of the cache {folder} has "
                f"{in_units(free)} free",
                hint="free disk space, or choose another cache folder with VAEZOO_CACHE",
            )
        )


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _has(path: Path, expected: RemoteFile) -> bool:
    """Whether a file has the expected size and digest."""
    try:
        with open_regular(path, limit=expected.bytes) as file:
            return measured(file) == expected
    except OSError:
        return False


def _checked(parse: Callable[[bytes], T], content: bytes) -> T:
    """Parsed content. Raises Refused, after which another attempt may help: it may be cut."""
    try:
        return parse(content)
    except (ValueError, RecursionError) as error:
        raise Refused(error, again=True) from None


def again_and_again(attempt: Callable[[], T]) -> T:
    """The result of ``attempt``, which is repeated after errors that may pass."""
    for pause in _PAUSES:
        try:
            return attempt()
        except Unavailable as error:
            if not error.again:
                raise
            time.sleep(pause)
    return attempt()
