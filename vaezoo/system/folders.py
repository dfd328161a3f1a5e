"""Folders that vaezoo makes, and the only ones that it removes; never through a link.

A repository can bring links along. One in the place of a folder that vaezoo empties would lead it
to other people's files.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: what ``write_whole`` leaves behind when the process is killed
PARTIAL = r"\..+\.[0-9a-f]{16}\.partial"
#: how many names of a folder an error lists
_LISTED = 3


class InTheWay(OSError):
    """Something that vaezoo did not make lies where it would write or delete."""

    def __init__(self, path: Path, reason: str, hint: str) -> None:
        super().__init__(errno.ENOTEMPTY, reason, str(path))
        self.hint = hint


@dataclass(frozen=True)
class Made:
    """How to tell a kind of folder that vaezoo makes.

    ``name`` is its name's pattern. It is known by the file ``mark``, or else by holding nothing
    but what matches ``inside``; ``folders`` has the patterns of what may lie in its folders.
    ``last`` are the files that are deleted last, in this order.
    """

    what: str
    name: str
    inside: str
    mark: str | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    last: tuple[str, ...] = ()


def make_own_folder(path: Path) -> None:
    """Make a folder unless it is there. Raises InTheWay for a link or file in its place."""
    try:
        path.mkdir()
    except FileExistsError:
        refuse_link(path)
        if not path.is_dir():
            hint = f"move {path} away"
            raise InTheWay(path, "it is not a folder", hint) from None


def refuse_link(path: Path) -> None:
    """Raise InTheWay for a link."""
    if path.is_symlink():
        reason = f"it is a link to {os.readlink(path)}, and vaezoo neither writes nor deletes there"
        raise InTheWay(path, reason, f"remove the link {path}, and give the same command again")


def remove_own_folder(path: Path, made: Made) -> None:
    """Delete a folder that vaezoo made, and nothing that a link in it leads to.

    Raises InTheWay for any other folder, OSError where it cannot be deleted.
    """
    if not re.fullmatch(made.name, path.name):
        raise InTheWay(path, f"its name is not that of {made.what}", f"move {path} away")
    refuse_unknown(path, made)
    inside = {one.name: one for one in path.iterdir()}
    last = [inside.pop(name) for name in made.last if name in inside]
    for one in (*inside.values(), *last):
        remove(one)
    path.rmdir()


def remove(path: Path) -> None:
    """Delete a file, a link itself, or a folder with all that it holds. Raises OSError."""
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


def refuse_unknown(path: Path, made: Made) -> None:
    """Raise InTheWay unless a folder is one that vaezoo made."""
    refuse_link(path)
    if made.mark and _is_file(path / made.mark):
        return
    unknown = _unknown(path, made)
    if unknown:
        listed = ", ".join([*unknown[:_LISTED], *(["…"] if len(unknown) > _LISTED else [])])
        raise InTheWay(
            path,
            f"it is not {made.what} as vaezoo makes it: it holds {listed}",
            f"move what you want to keep out of {path}, or move the folder away",
        )


def _unknown(path: Path, made: Made) -> list[str]:
    """What lies in a folder and was not put there by vaezoo."""
    found = []
    for one in sorted(path.iterdir()):
        if not re.fullmatch(f"{made.inside}|{PARTIAL}", one.name):
            found.append(one.name)
        elif stat.S_ISDIR(one.lstat().st_mode):
            allowed = made.folders.get(one.name)
            inside = sorted(below.name for below in one.iterdir())
            found += [
                f"{one.name}/{name}"
                for name in inside
                if allowed is None or not re.fullmatch(f"{allowed}|{PARTIAL}", name)
            ]
            if allowed is None and not inside:
                found.append(one.name)
    return found


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
