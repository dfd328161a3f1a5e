"""Create and remove vaezoo's own folders, never through a link.

A cloned repository may contain links. Emptying a folder through one would delete other files.
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

#: Temporary files of ``write_whole`` in a process that was killed.
PARTIAL = r"\..+\.[0-9a-f]{16}\.partial"
#: Number of names that an error lists.
_LISTED = 3


class InTheWay(OSError):
    """A file, link or folder that vaezoo did not create is where it would write or delete."""

    def __init__(self, path: Path, reason: str, hint: str) -> None:
        super().__init__(errno.ENOTEMPTY, reason, str(path))
        self.hint = hint


@dataclass(frozen=True)
class Made:
    """How to recognize a kind of folder that vaezoo creates.

    Its name matches ``name``. It has the file ``mark``, or only files and folders that match
    ``inside``; ``folders`` has the patterns for the content of its folders. The files in ``last``
    are deleted last, in this order.
    """

    what: str
    name: str
    inside: str
    mark: str | None = None
    folders: Mapping[str, str] = field(default_factory=dict)
    last: tuple[str, ...] = ()


def make_own_folder(path: Path) -> None:
    """Create a folder unless it exists. Raises InTheWay for a link or file in its place."""
    try:
        path.mkdir()
    except FileExistsError:
        refuse_link(path)
        if not path.is_dir():
            raise InTheWay(path, "it is not a folder", f"move {path} away") from None


def refuse_link(path: Path) -> None:
    """Raise InTheWay for a link."""
    if path.is_symlink():
        reason = f"it is a link to {os.readlink(path)}; vaezoo does not follow it"
        raise InTheWay(path, reason, f"remove the link {path} and run the same command again")


def remove_own_folder(path: Path, made: Made) -> None:
    """Delete a folder that vaezoo created, without following links in it.

    Raises InTheWay for any other folder, OSError if it cannot be deleted.
    """
    if not re.fullmatch(made.name, path.name):
        raise InTheWay(path, f"its name does not fit {made.what}", f"move {path} away")
    refuse_unknown(path, made)
    inside = {one.name: one for one in path.iterdir()}
    last = [inside.pop(name) for name in made.last if name in inside]
    for one in (*inside.values(), *last):
        remove(one)
    path.rmdir()


def remove(path: Path) -> None:
    """Delete a file, a link (not its target), or a folder with its content. Raises OSError."""
    if stat.S_ISDIR(path.lstat().st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


def refuse_unknown(path: Path, made: Made) -> None:
    """Raise InTheWay unless vaezoo created the folder."""
    refuse_link(path)
    if made.mark and _is_file(path / made.mark):
        return
    unknown = _unknown(path, made)
    if unknown:
        listed = ", ".join([*unknown[:_LISTED], *(["…"] if len(unknown) > _LISTED else [])])
        raise InTheWay(
            path,
            f"it is not {made.what} that vaezoo created: it contains {listed}",
            f"move files to keep out of {path}, or move the folder away",
        )


def _unknown(path: Path, made: Made) -> list[str]:
    """Files and folders in a folder that vaezoo did not create."""
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
