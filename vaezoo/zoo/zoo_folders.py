"""The folders that vaezoo creates in a zoo.

.lock               held by the writer
.staging/           NAME-xxxxxxxx   an entry being written, or just replaced
                    NAME.swap       a note of a replacement in progress, see ``atomic_replace``
                    .trash-…        a folder being deleted
.previous/          NAME-YYYYmmdd-HHMMSS[-N]    replaced entries
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from pathlib import Path

from vaezoo.registry.contracts import PICTURE_FORMATS
from vaezoo.system.folders import Made, refuse_unknown, remove_own_folder
from vaezoo.zoo import entry as layout
from vaezoo.zoo.entry import Entry

STAGING, PREVIOUS, LOCK, TRASH = ".staging", ".previous", ".lock", ".trash-"

_FILES = (layout.WEIGHTS, layout.SPEC, layout.METRICS, layout.HISTORY, layout.CARD, layout.FIGURES)
#: An entry's folder: complete, partly written or partly deleted.
ENTRY = Made(
    what="an entry",
    name=r".+-[a-z0-9_]+",
    inside="|".join(map(re.escape, _FILES))
    + rf"|{re.escape(layout.MANIFEST)}(\.[a-z]+)?",  # the manifest and its signatures
    folders={layout.FIGURES: rf".+\.({'|'.join(PICTURE_FORMATS)})"},
)


def home_of(entry: Entry) -> Path:
    """An entry's folder in its zoo, even while a replacement moves it."""
    path = Path(os.path.abspath(entry.path))  # "." has no name and no parent
    is_moving = path.parent.name in (STAGING, PREVIOUS)
    return path.parent.parent / entry.name if is_moving else path


def discard(zoo: Path, folder: Path) -> None:
    """Delete an entry's folder; it disappears from its path at once.

    Raises InTheWay if it contains other files, OSError if deletion fails.
    """
    refuse_unknown(folder, ENTRY)
    trash = trash_path(zoo)
    os.rename(folder, trash)
    remove_own_folder(trash, ENTRY)


def trash_path(zoo: Path) -> Path:
    """An unused path; the next writer of the zoo deletes a folder there."""
    return zoo / STAGING / f"{TRASH}{secrets.token_hex(8)}"


def new_staged(zoo: Path, prefix: str) -> Path:
    """An empty folder to prepare an entry in."""
    made = tempfile.mkdtemp(prefix=prefix, dir=zoo / STAGING)
    staged = zoo / STAGING / Path(made).name  # mkdtemp's path is absolute from Python 3.12 on
    staged.chmod(0o755)  # mkdtemp creates private folders
    return staged
