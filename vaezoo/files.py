"""Files that appear whole or not at all, and the folder for what can be made again."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

#: How a pointer of git-lfs begins: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS = b"version https://git-lfs"


def write_whole(path: Path, *parts: bytes) -> None:
    """Write ``parts`` one after another to ``path``, in place of what was there.

    Another process sees the old file or the new one, and so does the next start of a machine
    that loses power. Raises OSError, with the old file as it was.
    """
    write_parts(path, parts)


def write_parts(path: Path, parts: Iterable[bytes]) -> None:
    """``write_whole`` of parts that are made one by one, as they are written."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def rewrite(path: Path, content: bytes) -> None:
    """Write a file that is there anew, whole or not at all, with the permissions that it has.

    A link stays, and what it leads to is written. Raises OSError, with the old file as it was.
    """
    real = Path(os.path.realpath(path))
    mode = stat.S_IMODE(real.stat().st_mode)
    write_whole(real, content)
    real.chmod(mode)


def is_lfs_pointer(path: Path) -> bool:
    """Whether git-lfs has left a note in place of the file, as where it is not installed."""
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS)) == _LFS
    except OSError:
        return False


def in_units(size: int) -> str:
    """Bytes as people read them, by powers of a thousand: ``3.1 GB``."""
    value, units = float(size), ["bytes", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    whole = value >= 9.95 or units[0] == "bytes"
    return f"{value:,.0f} {units[0]}" if whole else f"{value:.1f} {units[0]}"


def expanded(path: str | Path) -> Path:
    """The path with ``~`` or ``~user`` at its beginning as that user's home folder.

    Raises FileNotFoundError where there is no such user or home, and no file of that very name.
    """
    text = os.fspath(path)
    found = os.path.expanduser(text)
    if not found.startswith("~") or os.path.lexists(found):
        return Path(found)
    user = text[1:].partition(os.sep)[0]
    known = f"there is no user {user!r}" if user else "the home folder is not known; set HOME"
    reason = f"{known}, or write ./{text} for a file of that name"
    raise FileNotFoundError(errno.ENOENT, reason, text)


def cache_folder() -> Path:
    """``$VAEZOO_CACHE``, or the user's cache folder of the system. It need not exist yet.

    A user without a home has one among the temporary files. Raises FileNotFoundError for a
    ``VAEZOO_CACHE`` below a home that there is not.
    """
    chosen = os.environ.get("VAEZOO_CACHE")
    if chosen:
        return expanded(chosen)
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("vaezoo", appauthor=False))
    except RuntimeError:  # what newer versions say where no home is known
        return _cache_without_home()
    return folder if folder.is_absolute() else _cache_without_home()


def _cache_without_home() -> Path:
    """A folder of this user's own; another user may have made one of that name before."""
    folder = Path(tempfile.gettempdir()) / f"vaezoo-{os.getuid()}"
    try:
        is_own = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
    except FileNotFoundError:
        is_own = True
    return folder if is_own else folder.with_name(f"{folder.name}-{os.getpid()}")
