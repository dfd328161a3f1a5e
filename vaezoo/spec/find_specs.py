"""Which files ``validate`` is asked to look at: by name, below a folder, by a pattern.

Names that begin with a dot or an underscore are passed over in folders and by patterns, unless
the pattern's own part begins so: a base that is no spec by itself is called ``_base.yaml``.
Links to folders are not followed, so that a circle of them has an end.
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

#: What a spec's name ends in, in letters of either case.
ENDINGS = (".yaml", ".yml")
_HIDDEN = (".", "_")


@dataclass
class SpecFiles:
    """The files that one argument means, in order, and the folders that could not be listed."""

    files: list[str] = field(default_factory=list)
    findings: dict[str, Diagnostic] = field(default_factory=dict)

    def entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What is in a folder, by name; nothing, and a finding, where that cannot be known."""
        folder = folder or os.curdir
        try:
            with os.scandir(folder) as listed:
                return sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            self.findings[folder] = unreadable(folder, error)
            return []


def find_specs(path: str) -> SpecFiles:
    """The files that ``path`` means: itself, all specs below it, or what matches it."""
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
        found.findings[path] = _nothing(path)
    return found


def _is_folder(path: str) -> bool:
    """Whether specs lie below ``path``; a folder called ``x.yaml`` is taken for a mistake."""
    return os.path.isdir(path) and not path.lower().endswith(ENDINGS)


def _below(top: str, found: SpecFiles) -> Iterator[str]:
    """Every spec below a folder: its own first, then those of the folders in it."""
    for folder, entries in _folders(top, found):
        for entry in entries:
            if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(_HIDDEN):
                yield os.path.join(folder, entry.name)


def _folders(top: str, found: SpecFiles) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """A folder and all below it with what they hold; no recursion, however deep they lie."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        entries = found.entries(folder)
        yield folder, entries
        inside = [os.path.join(folder, entry.name) for entry in entries if _is_open(entry)]
        waiting += reversed(inside)


def _is_open(entry: os.DirEntry[str]) -> bool:
    """Whether specs are looked for below it."""
    passed_over = entry.name.startswith(_HIDDEN) or entry.name.lower().endswith(ENDINGS)
    try:
        return not passed_over and entry.is_dir(follow_symlinks=False)
    except OSError:  # gone since it was listed
        return False


def _matches(pattern: str, found: SpecFiles) -> Iterator[str]:
    """What a pattern matches; ``**`` stands for any number of folders."""
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
    """What one part of a pattern matches in the folder ``base``."""
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


def _nothing(path: str) -> Diagnostic:
    what = "folder" if os.path.isdir(path) else "pattern"
    message = f"{path} cannot be read: this {what} holds no spec"
    return Diagnostic("VZ101", message, whole(path), hint="specs end in .yaml or .yml")
