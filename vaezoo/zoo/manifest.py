"""``manifest.json``: size and SHA-256 of every other file of an entry, so that it is one whole.

It shows that files are not those that were published together: a changed figure, another
picture, a file that is missing or was added. Whoever rewrites files *and* manifest is not found
out by it: figures, targets, notes and card can be taken again from the weights, and a signature
says who vouches for the rest.
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
#: What may lie beside the files that it lists: the manifest itself and signatures of it.
_UNLISTED = re.compile(rf"{re.escape(MANIFEST)}(\.[a-z]+)?")
_NAME = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*")
_LARGEST = 10**6


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
    """``vaezoo`` is the version that wrote it, ``digest`` a SHA-256 over all the rest of it."""

    vaezoo: str
    files: Mapping[str, _ListedFile]
    digest: str


def manifest_text(entry: Entry, unwritten: Mapping[str, bytes]) -> str:
    """The manifest of an entry's files as they lie there and those that are still to be written."""
    inside = {name: _listed_on_disk(entry.path, name) for name in entry.files()}
    files = inside | {name: _listed(content) for name, content in unwritten.items()}
    return _text(metadata.version("vaezoo"), files)


def read_manifest(entry: Entry) -> Manifest:
    """Raises ZooError (VZ502) for one that is missing, or not as vaezoo wrote it."""
    from vaezoo.zoo.entry import readable

    return readable(
        entry.path / MANIFEST, lambda path: _parsed(read_regular(path, _LARGEST, within=entry.path))
    )


def differences(entry: Entry, manifest: Manifest) -> dict[str, str]:
    """What of an entry is not as its manifest has it, by file, in words."""
    from vaezoo.zoo.entry import contents, readable

    found = {}
    here = readable(entry.path, contents)
    for name, listed in manifest.files.items():
        status = here.get(name)
        if status is None:
            found[name] = "it is missing"
        elif stat.S_ISREG(status.st_mode) and status.st_size != listed["bytes"]:
            found[name] = f"it has {status.st_size:,} bytes, the manifest {listed['bytes']:,}"
        else:
            problem = _content_problem(entry.path, name, listed["sha256"])
            found |= {name: problem} if problem else {}
    for name in here:
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
            raise ValueError("it lists a file by a name that none in an entry has")
    # the whole text, so that nothing in it can change unseen
    if content.decode("utf-8") != _text(data["vaezoo"], data["files"]):
        raise ValueError("it was changed after it was written")
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
