"""Replaced entries, kept in ``.previous``."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vaezoo.system.folders import make_own_folder, refuse_link
from vaezoo.zoo.zoo_folders import PREVIOUS

_NAME = re.compile(r"(?P<name>.+)-(?P<stamp>\d{8}-\d{6})(?:-(?P<nth>\d+))?")


@dataclass(frozen=True)
class Predecessor:
    """A replaced entry; ``replaced`` is the time in UTC as YYYYmmdd-HHMMSS.

    ``identity`` distinguishes it from a later folder at the same path.
    """

    path: Path
    name: str
    replaced: str
    nth: int
    identity: tuple[int, int]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(map(_size, self.path.rglob("*")))

    @property
    def exists(self) -> bool:
        """Whether it was neither restored nor deleted since."""
        return _identity(self.path) == self.identity


def kept_path(zoo: Path, name: str) -> Path:
    """An unused path for the entry ``name`` before its replacement.

    Sorts after all existing ones, even if the clock was set back.
    """
    make_own_folder(zoo / PREVIOUS)
    stamp, nth = datetime.now(UTC).strftime("%Y%m%d-%H%M%S"), 1
    for newest in predecessors(zoo, name)[:1]:
        if newest.replaced >= stamp:
            stamp, nth = newest.replaced, newest.nth + 1
    return zoo / PREVIOUS / (f"{name}-{stamp}" + (f"-{nth}" if nth > 1 else ""))


def predecessors(zoo: Path, name: str | None = None) -> list[Predecessor]:
    """The replaced entries of a zoo, or of one name, newest first.

    Raises InTheWay if one of them, or their folder, is a link.
    """
    refuse_link(zoo / PREVIOUS)
    found = []
    for path in (zoo / PREVIOUS).glob("*"):
        match = _NAME.fullmatch(path.name)
        if match and name in (None, match["name"]):
            identity = _identity(path)
            if identity is None:
                refuse_link(path)
                continue
            nth = int(match["nth"] or 1)
            found.append(Predecessor(path, match["name"], match["stamp"], nth, identity))
    return sorted(found, key=lambda p: (p.replaced, p.nth), reverse=True)


def _identity(path: Path) -> tuple[int, int] | None:
    """Identifies a folder until it is renamed; None for anything else."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_ino, status.st_ctime_ns) if stat.S_ISDIR(status.st_mode) else None


def _size(path: Path) -> int:
    try:
        status = path.lstat()
    except OSError:  # it was just deleted
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
