"""The entries that a publish replaced: kept in ``.previous`` until told otherwise."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PREVIOUS = ".previous"
_NAME = re.compile(r"(?P<name>.+)-(?P<stamp>\d{8}-\d{6})(?:-(?P<nth>\d+))?")


@dataclass(frozen=True)
class Predecessor:
    """A replaced entry; ``replaced`` is when that happened, in UTC, as YYYYmmdd-HHMMSS."""

    path: Path
    name: str
    replaced: str
    nth: int

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())


def kept_path(zoo: Path, name: str) -> Path:
    """A free place for the entry ``name`` that is about to be replaced."""
    (zoo / PREVIOUS).mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path, nth = zoo / PREVIOUS / f"{name}-{stamp}", 1
    while path.exists():
        nth += 1
        path = zoo / PREVIOUS / f"{name}-{stamp}-{nth}"
    return path


def predecessors(zoo: Path, name: str | None = None) -> list[Predecessor]:
    """The replaced entries of a zoo, of one name if given, the newest first."""
    found = []
    for path in (zoo / PREVIOUS).glob("*"):
        match = _NAME.fullmatch(path.name)
        if match and name in (None, match["name"]):
            nth = int(match["nth"] or 1)
            found.append(Predecessor(path, match["name"], match["stamp"], nth))
    return sorted(found, key=lambda p: (p.replaced, p.nth), reverse=True)


def remove(several: list[Predecessor]) -> None:
    """Delete replaced entries for good. Raises OSError."""
    for one in several:
        shutil.rmtree(one.path)
