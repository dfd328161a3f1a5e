"""The files of a gallery: written atomically, kept if unchanged, removed if outdated.

``gallery.json`` lists every file that vaezoo wrote and its SHA-256, so that other files in the
folder are neither replaced nor removed. No file is written or removed through a link.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError
from vaezoo.system import strict_json
from vaezoo.system.files import check_parent, write_whole
from vaezoo.system.folders import InTheWay, make_own_folder, refuse_link
from vaezoo.system.regular_file import open_regular, read_regular
from vaezoo.system.typed_json import typed

SITE_MANIFEST = "gallery.json"
_FORMAT = "vaezoo gallery 1"
_LARGEST_MANIFEST = 256 * 10**6
#: Without it, GitHub Pages processes the files.
NO_JEKYLL = ".nojekyll"
_RELATIVE = re.compile(
    rf"{re.escape(NO_JEKYLL)}|(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*"
)
#: What may be in a folder that counts as empty: a new branch for GitHub Pages has it.
_IGNORED = frozenset({".git"})


@dataclass(frozen=True)
class BuiltPart:
    """The files that were made together, with their SHA-256 by path in the site.

    ``key`` identifies what they were made from. ``data`` is the JSON data that pages on several
    parts need.
    """

    key: str
    files: dict[str, str]
    data: dict[str, Any] | None = None


@dataclass
class SiteFolder:
    """A gallery on disk, and its parts by name."""

    path: Path
    parts: dict[str, BuiltPart] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path) -> SiteFolder:
        """A new or empty folder, or a gallery that vaezoo wrote.

        Raises UsageError (VZ503) for another folder, ZooError (VZ503) if it cannot be used.
        """
        try:
            return cls._opened(path)
        except OSError as error:
            raise unwritable_site(path, error) from None

    @classmethod
    def _opened(cls, path: Path) -> SiteFolder:
        refuse_link(path)
        if not os.path.lexists(path):
            check_parent(path)
            return cls(path)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(path))
        if os.path.lexists(path / SITE_MANIFEST):
            content = read_regular(path / SITE_MANIFEST, _LARGEST_MANIFEST, within=path)
            try:
                return cls(path, _parsed(content))
            except (ValueError, RecursionError) as error:
                raise _not_ours(path, f"its {SITE_MANIFEST} cannot be used: {error}") from None
        others = sorted({one.name for one in path.iterdir()} - _IGNORED)
        if others:
            raise _not_ours(path, f"it contains {others[0]} and no {SITE_MANIFEST}")
        return cls(path)

    def current(self, name: str, key: str) -> BuiltPart | None:
        """The part if it was made from the same, and its files are as they were written."""
        part = self.parts.get(name)
        if part is None or part.key != key:
            return None
        return part if all(self._is_as_written(*file) for file in part.files.items()) else None

    def put(
        self,
        name: str,
        key: str,
        files: Mapping[str, bytes],
        data: dict[str, Any] | None = None,
    ) -> None:
        """Write a part's files and remove those that it no longer has.

        They are listed before they are written, so that the next build knows those of a build that
        was interrupted. Raises ZooError (VZ503).
        """
        before = self.parts.get(name)
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        try:
            self._refuse_foreign(digests)
            make_own_folder(self.path)
            outdated = {p: d for p, d in before.files.items() if p not in files} if before else {}
            self._remove(outdated)
            self.parts[name] = BuiltPart(key, digests, data)
            self._write_manifest()
            for path, content in files.items():
                self._make_folders(path)
                write_whole(self.path / path, content)
        except OSError as error:
            raise unwritable_site(self.path, error) from None

    def keep_only(self, names: set[str]) -> None:
        """Remove the files of all other parts. Raises ZooError (VZ503)."""
        outdated = [name for name in self.parts if name not in names]
        if not outdated:
            return
        try:
            for name in outdated:
                self._remove(self.parts.pop(name).files)
            self._write_manifest()
        except OSError as error:
            raise unwritable_site(self.path, error) from None

    def _refuse_foreign(self, paths: Mapping[str, str]) -> None:
        """Raise InTheWay for a file that vaezoo did not write, and ValueError for other paths."""
        known = {path for part in self.parts.values() for path in part.files}
        for path in paths:
            if not _RELATIVE.fullmatch(path):
                raise ValueError(f"{path!r} is not a path in a gallery")
            place = self.path / path
            if os.path.lexists(place) and (path not in known or not place.is_file()):
                raise InTheWay(place, "vaezoo did not write it", f"move {place} away")

    def _make_folders(self, path: str) -> None:
        for folder in _folders(path):
            make_own_folder(self.path / folder)

    def _is_as_written(self, path: str, digest: str) -> bool:
        try:
            with open_regular(self.path / path, within=self.path) as file:
                return hashlib.sha256(file.read()).hexdigest() == digest
        except OSError:
            return False

    def _remove(self, files: Mapping[str, str]) -> None:
        """Delete files that are as they were written, and folders that are empty then."""
        for path, digest in files.items():
            if self._is_as_written(path, digest):
                (self.path / path).unlink()
        folders = {folder for path in files for folder in _folders(path)}
        for folder in sorted(folders, key=len, reverse=True):
            place = self.path / folder
            if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
                place.rmdir()

    def _write_manifest(self) -> None:
        content = {
            "format": _FORMAT,
            "vaezoo": metadata.version("vaezoo"),
            "parts": {name: dataclasses.asdict(part) for name, part in self.parts.items()},
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        write_whole(self.path / SITE_MANIFEST, text.encode())


def _folders(path: str) -> Iterator[str]:
    """The folders that lead to a file, the outermost first."""
    parts = path.split("/")[:-1]
    for depth in range(len(parts)):
        yield "/".join(parts[: depth + 1])


def _parsed(content: bytes) -> dict[str, BuiltPart]:
    data = typed(strict_json.parse(content), dict[str, Any])
    if data.get("format") != _FORMAT:
        raise ValueError(f"its format is not {_FORMAT!r}")
    parts: dict[str, BuiltPart] = typed(data.get("parts"), dict[str, BuiltPart], "parts")
    for part in parts.values():
        for path in part.files:
            if not _RELATIVE.fullmatch(path):
                raise ValueError(f"{path!r} is not a path in a gallery")
    return parts


def _not_ours(path: Path, reason: str) -> UsageError:
    message = f"{path} is not empty and not a gallery that vaezoo wrote: {reason}"
    return UsageError(Diagnostic("VZ503", message, hint="choose a new folder with --out"))


def unwritable_site(path: Path, error: OSError) -> ZooError:
    """The error for a gallery that cannot be written."""
    hint = error.hint if isinstance(error, InTheWay) else "choose another folder with --out"
    where = error.filename or path
    return ZooError(Diagnostic("VZ503", f"cannot write {where}: {error.strerror}", hint=hint))
