"""The folders that vaezoo makes in a zoo, and what is told apart there.

.lock               held by whoever writes
.staging/           NAME-xxxxxxxx   an entry that is being written, or was just replaced
                    NAME.swap       a note of an exchange that is under way, see ``swap``
                    .trash-…        what is being deleted
.previous/          NAME-YYYYmmdd-HHMMSS[-N]    replaced entries
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from pathlib import Path

from vaezoo.system.folders import Made, refuse_unknown, remove_own_folder
from vaezoo.zoo import entry as layout
from vaezoo.zoo.entry import Entry

STAGING, PREVIOUS, LOCK, TRASH = ".staging", ".previous", ".lock", ".trash-"

_FILES = (layout.WEIGHTS, layout.SPEC, layout.METRICS, layout.HISTORY, layout.CARD, layout.FIGURES)
#: A folder of an entry, wherever it lies in a zoo: whole, half written or half deleted.
ENTRY = Made(
    what="an entry",
    name=r".+-[a-z0-9_]+",
    inside="|".join(map(re.escape, _FILES))
    + rf"|{re.escape(layout.MANIFEST)}(\.[a-z]+)?",  # the manifest and signatures of it
    folders={layout.FIGURES: r".+\.png"},
)


def home_of(entry: Entry) -> Path:
    """An entry's folder in its zoo, also at a moment when it lies in one of these folders."""
    path = Path(os.path.abspath(entry.path))  # "." has no name, and is its own parent
    is_moving = path.parent.name in (STAGING, PREVIOUS)
    return path.parent.parent / entry.name if is_moving else path


def discard(zoo: Path, folder: Path) -> None:
    """Delete an entry's folder for good; another process sees it whole or not at all.

    Raises InTheWay for a folder that holds files of others, OSError where that fails.
    """
    refuse_unknown(folder, ENTRY)
    trash = trash_path(zoo)
    os.rename(folder, trash)
    remove_own_folder(trash, ENTRY)


def trash_path(zoo: Path) -> Path:
    """A free place; what lies there is deleted when the zoo is next written to."""
    return zoo / STAGING / f"{TRASH}{secrets.token_hex(8)}"


def new_staged(zoo: Path, prefix: str) -> Path:
    """An empty folder to prepare an entry in."""
    staged = Path(tempfile.mkdtemp(prefix=prefix, dir=zoo / STAGING))
    staged.chmod(0o755)  # mkdtemp's folders are for their owner's eyes only
    return staged
