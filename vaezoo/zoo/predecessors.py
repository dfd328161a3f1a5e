"""The entries that a publish replaced: kept in ``.previous`` until told otherwise."""

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
    """A replaced entry; ``replaced`` is when that happened, in UTC, as YYYYmmdd-HHMMSS.

    By ``identity`` it is told from one that got its place later.
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
    def is_there(self) -> bool:
        """Whether nobody has restored or deleted it meanwhile."""
        return _identity(self.path) == self.identity


def kept_path(zoo: Path, name: str) -> Path:
    """A free place for the entry ``name`` that is about to be replaced.

    It comes after all those that are kept, also where the clock was set back since.
    """
    make_own_folder(zoo / PREVIOUS)
    stamp, nth = datetime.now(UTC).strftime("%Y%m%d-%H%M%S"), 1
    for newest in predecessors(zoo, name)[:1]:
        if newest.replaced >= stamp:
            stamp, nth = newest.replaced, newest.nth + 1
    return zoo / PREVIOUS / (f"{name}-{stamp}" + (f"-{nth}" if nth > 1 else ""))


def predecessors(zoo: Path, name: str | None = None) -> list[Predecessor]:
    """The replaced entries of a zoo, of one name if given, the newest first.

    Raises InTheWay for a link in the place of one, or of the folder that holds them.
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
    """What a folder is known by as long as it is not renamed; None for anything else."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_ino, status.st_ctime_ns) if stat.S_ISDIR(status.st_mode) else None


def _size(path: Path) -> int:
    try:
        status = path.lstat()
    except OSError:  # it was deleted meanwhile
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
