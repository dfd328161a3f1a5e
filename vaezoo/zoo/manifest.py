"""``manifest.json``: size and SHA-256 of every other file of an entry.

It detects changed, missing and added files. It does not detect a rewritten manifest: ``verify``
recomputes figures, targets, notes and card from the weights, and a signature protects the rest.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from vaezoo.system import strict_json
from vaezoo.system.regular_file import open_regular, read_regular
from vaezoo.system.typed_json import typed

if TYPE_CHECKING:
    from vaezoo.zoo.entry import Entry

MANIFEST = "manifest.json"
FORMAT = "vaezoo manifest 1"
#: Files that it does not list: itself and its signatures.
_UNLISTED = re.compile(rf"{re.escape(MANIFEST)}(\.[a-z]+)?")
_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
_MAX_BYTES = 10**6


class _ListedFile(TypedDict):
    bytes: int
    sha256: str


class _Content(TypedDict):
    format: str
    vaezoo: str
    files: dict[str, _ListedFile]
    digest: str


@dataclass(frozen=True)
class Manifest:
    """``vaezoo`` is the version that wrote it, ``digest`` the SHA-256 of the other fields."""

    vaezoo: str
    files: Mapping[str, _ListedFile]
    digest: str


def manifest_text(entry: Entry, unwritten: Mapping[str, bytes]) -> str:
    """The manifest of an entry's files on disk and those still ``unwritten``."""
    inside = {name: _listed_on_disk(entry.path, name) for name in entry.files()}
    files = inside | {name: _listed(content) for name, content in unwritten.items()}
    return _text(metadata.version("vaezoo"), files)


def read_manifest(entry: Entry) -> Manifest:
    """Parse the manifest. Raises ZooError (VZ502) if it is missing, invalid or changed."""
    from vaezoo.zoo.entry import readable

    return readable(
        entry.path / MANIFEST,
        lambda path: _parsed(read_regular(path, _MAX_BYTES, within=entry.path)),
    )


def differences(entry: Entry, manifest: Manifest) -> dict[str, str]:
    """Why files do not match the manifest, by name."""
    from vaezoo.zoo.entry import contents, readable

    found = {}
    present = readable(entry.path, contents)
    for name, listed in manifest.files.items():
        status = present.get(name)
        if status is None:
            found[name] = "it is missing"
        elif stat.S_ISREG(status.st_mode) and status.st_size != listed["bytes"]:
            found[name] = f"it has {status.st_size:,} bytes, the manifest {listed['bytes']:,}"
        else:
            problem = _content_problem(entry.path, name, listed["sha256"])
            found |= {name: problem} if problem else {}
    for name in present:
        if name not in manifest.files and not _UNLISTED.fullmatch(name):
            found[name] = "it is not in the manifest"
    return found


def _content_problem(folder: Path, name: str, sha256: str) -> str | None:
    try:
        digest = _sha256(folder, name)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if digest == sha256:
        return None
    return f"its SHA-256 is {digest[:12]}…, the manifest has {sha256[:12]}…"


def _parsed(content: bytes) -> Manifest:
    data = typed(strict_json.parse(content), _Content)
    if data["format"] != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    for name in data["files"]:
        if not _NAME.fullmatch(name):
            raise ValueError("it lists a file with an invalid name")
    # compare the whole text, so that no change is missed
    if content.decode("utf-8") != _text(data["vaezoo"], data["files"]):
        raise ValueError("it was changed after publishing")
    return Manifest(data["vaezoo"], data["files"], data["digest"])


def _text(version: str, files: Mapping[str, Any]) -> str:
    content = {"format": FORMAT, "vaezoo": version, "files": dict(sorted(files.items()))}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps({**content, "digest": digest}, indent=1) + "\n"


def _listed(content: bytes) -> _ListedFile:
    return _ListedFile(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _listed_on_disk(folder: Path, name: str) -> _ListedFile:
    return _ListedFile(bytes=(folder / name).stat().st_size, sha256=_sha256(folder, name))


def _sha256(folder: Path, name: str) -> str:
    with open_regular(folder / name, within=folder) as file:
        digest = hashlib.sha256()
        while part := file.read(2**20):
            digest.update(part)
        return digest.hexdigest()
