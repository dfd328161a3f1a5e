"""Find the spec files for a path: a file, a folder or a glob.

Folders and globs skip names that start with a dot or an underscore, unless the glob's own part
starts so: call a base that is not a spec by itself ``_base.yaml``. Links to folders are not
followed, so that cycles end.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vaezoo.diagnostics import Diagnostic, Piped
from vaezoo.spec.document import unreadable, whole

#: Suffixes of specs, in any case.
ENDINGS = (".yaml", ".yml")
_HIDDEN = (".", "_")


@dataclass
class SpecFiles:
    """The files for one path, in order, and findings by path."""

    files: list[str] = field(default_factory=list)
    findings: dict[str, Diagnostic] = field(default_factory=dict)

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        """The entries of a folder, sorted by name; adds a finding if it cannot be listed."""
        folder = folder or os.curdir
        try:
            with os.scandir(folder) as listed:
                return sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            self.findings[folder] = unreadable(folder, error)
            return []


def find_specs(path: str) -> SpecFiles:
    """The files for ``path``: itself, all specs below it, or all matches."""
    found = SpecFiles()
    if isinstance(path, Piped):
        found.files.append(path)
    elif _is_folder(path):
        found.files += _below(path, found)
    elif glob.has_magic(path) and not os.path.lexists(path):
        for match in _matches(path, found):
            found.files += _below(match, found) if _is_folder(match) else [match]
    else:
        found.files.append(path)
    if not found.files and not found.findings:
        found.findings[path] = _no_specs(path)
    return found


def _is_folder(path: str) -> bool:
    """Whether to search ``path`` for specs; a folder called ``x.yaml`` is reported instead."""
    return os.path.isdir(path) and not path.lower().endswith(ENDINGS)


def _below(top: str, found: SpecFiles) -> Iterator[str]:
    """All specs below a folder, its own before those of its subfolders."""
    for folder, entries in _folders(top, found):
        for entry in entries:
            if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(_HIDDEN):
                yield os.path.join(folder, entry.name)


def _folders(top: str, found: SpecFiles) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """A folder and all folders below it with their entries, without recursion."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        entries = found.entries(folder)
        yield folder, entries
        inside = [os.path.join(folder, entry.name) for entry in entries if _is_open(entry)]
        waiting += reversed(inside)


def _is_open(entry: os.DirEntry[str]) -> bool:
    """Whether to search the entry for specs."""
    skipped = entry.name.startswith(_HIDDEN) or entry.name.lower().endswith(ENDINGS)
    try:
        return not skipped and entry.is_dir(follow_symlinks=False)
    except OSError:  # gone since it was listed
        return False


def _matches(pattern: str, found: SpecFiles) -> Iterator[str]:
    """The matches of a glob; ``**`` matches any number of folders."""
    root, parts = _split(pattern)
    reached = [root]
    for part in parts:
        reached = list(dict.fromkeys(path for base in reached for path in _step(base, part, found)))
    takes_any = "." not in parts[-1]
    for path in reached:
        if not takes_any or path.lower().endswith(ENDINGS) or os.path.isdir(path):
            yield path


def _split(pattern: str) -> tuple[str, list[str]]:
    drive, rest = os.path.splitdrive(pattern)
    parts = [part for part in re.split(r"[/\\]" if os.sep == "\\" else "/", rest) if part]
    return (drive + os.sep if rest[:1] in ("/", os.sep) else drive), parts


def _step(base: str, part: str, found: SpecFiles) -> Iterator[str]:
    """The matches of one part of a glob in the folder ``base``."""
    is_folder = os.path.isdir(base or os.curdir)
    if part == "**" and is_folder:
        yield from (folder for folder, _ in _folders(base, found))
    elif glob.has_magic(part) and is_folder:
        for entry in found.entries(base):
            hidden = entry.name.startswith(_HIDDEN) and entry.name[0] != part[0]
            if not hidden and fnmatch.fnmatch(entry.name, part):
                yield os.path.join(base, entry.name)
    elif is_folder and os.path.lexists(os.path.join(base, part)):
        yield os.path.join(base, part)


def _no_specs(path: str) -> Diagnostic:
    message = f"{path} {'contains' if os.path.isdir(path) else 'matches'} no specs"
    return Diagnostic("VZ101", message, whole(path), hint="specs end in .yaml or .yml")
