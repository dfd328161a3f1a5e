"""``REVISION.json``: size and SHA-256 of every file of one revision of an entry.

A revision is the SHA-256 of this file, so that it stands for the content of every file. Tables of
others are untrusted: what does not belong to an entry, or is too large, is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from vaezoo.registry.contracts import PICTURE_FORMATS
from vaezoo.spec.spec import NAME_PATTERN
from vaezoo.system import strict_json
from vaezoo.system.files import in_units
from vaezoo.system.regular_file import open_regular
from vaezoo.system.typed_json import typed
from vaezoo.zoo import entry as layout
from vaezoo.zoo.entry import Entry
from vaezoo.zoo.records import LARGEST_HISTORY, LARGEST_METRICS

FORMAT = "vaezoo files 1"
LARGEST_TABLE = 10**6
#: Bytes of all files of an entry.
LARGEST_ENTRY = 4 * 10**9
_MOST_FILES = 1000
_LARGEST_TEXT, _LARGEST_PICTURE = 4 * 10**6, 64 * 10**6
_LARGEST = {
    layout.WEIGHTS: LARGEST_ENTRY,
    layout.SPEC: _LARGEST_TEXT,
    layout.METRICS: LARGEST_METRICS,
    layout.HISTORY: LARGEST_HISTORY,
    layout.CARD: _LARGEST_TEXT,
    layout.MANIFEST: 10**6,
    f"{layout.MANIFEST}.minisig": 10_000,
}
_REQUIRED = frozenset(_LARGEST) - {f"{layout.MANIFEST}.minisig"}
_PICTURE = re.compile(
    rf"{re.escape(layout.FIGURES)}/[A-Za-z0-9_][A-Za-z0-9._-]{{0,199}}\.({'|'.join(PICTURE_FORMATS)})"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RemoteFile:
    """Size in bytes and SHA-256 of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class _TableContent:
    format: str
    name: str
    files: dict[str, RemoteFile]


@dataclass(frozen=True)
class FileTable:
    """The files of one revision of the entry ``name``."""

    name: str
    files: Mapping[str, RemoteFile]

    @cached_property
    def text(self) -> bytes:
        """The content of ``REVISION.json``."""
        files = {name: vars(self.files[name]) for name in sorted(self.files)}
        content = {"format": FORMAT, "name": self.name, "files": files}
        return f"{json.dumps(content, indent=1)}\n".encode()

    @cached_property
    def revision(self) -> str:
        """64 hex digits."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.bytes for one in self.files.values())


def table_of(entry: Entry) -> FileTable:
    """The table of an entry on disk. Raises ValueError for files that no entry has."""
    files = {name: _listed(entry.path, name) for name in entry.files()}
    _check(entry.name, files)
    return FileTable(entry.name, files)


def read_table(content: bytes, name: str, revision: str) -> FileTable:
    """Parse the table of a revision. Raises ValueError if it is not that of ``revision``."""
    if hashlib.sha256(content).hexdigest() != revision:
        raise ValueError(f"the list of files does not have the SHA-256 {revision[:12]}…")
    try:
        data: _TableContent = typed(strict_json.parse(content), _TableContent)
    except RecursionError:
        raise ValueError("the list of files is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the list of files is not what vaezoo writes: {error}") from None
    if data.format != FORMAT:
        raise ValueError(f"the format of the list of files is not {FORMAT!r}; update vaezoo")
    if data.name != name:
        raise ValueError(f"the list of files is of the entry {data.name!r}, not of {name!r}")
    _check(name, data.files)
    table = FileTable(name, data.files)
    if table.revision != revision:
        raise ValueError("the list of files is not written as vaezoo writes it")
    return table


def _check(name: str, files: Mapping[str, RemoteFile]) -> None:
    """Raise ValueError unless these can be the files of an entry."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(f"{name!r} is not the name of an entry")
    if len(files) > _MOST_FILES:
        raise ValueError(f"it has more than {_MOST_FILES} files")
    if missing := _REQUIRED - files.keys():
        raise ValueError(f"{min(missing)} is missing")
    folded: dict[str, str] = {}
    for path, one in files.items():
        limit = _LARGEST.get(path, _LARGEST_PICTURE if _PICTURE.fullmatch(path) else 0)
        if not limit or path.endswith("\n"):
            raise ValueError(f"an entry has no file {path!r}")
        if not 0 <= one.bytes <= limit:
            raise ValueError(f"{path} has {one.bytes:,} bytes; the limit is {in_units(limit)}")
        if not _SHA256.fullmatch(one.sha256):
            raise ValueError(f"the SHA-256 of {path} is none")
        other = folded.setdefault(path.casefold(), path)
        if other != path:
            raise ValueError(f"{path} and {other} differ in upper and lower case only")
    if sum(one.bytes for one in files.values()) > LARGEST_ENTRY:
        raise ValueError(f"its files have more than {in_units(LARGEST_ENTRY)}")


def measured(file: BinaryIO) -> RemoteFile:
    """Size and SHA-256 of an open file."""
    digest, size = hashlib.sha256(), 0
    while part := file.read(2**20):
        digest.update(part)
        size += len(part)
    return RemoteFile(size, digest.hexdigest())


def _listed(folder: Path, name: str) -> RemoteFile:
    with open_regular(folder / name, within=folder) as file:
        return measured(file)
