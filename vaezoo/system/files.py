"""Write files atomically; the cache and config folders."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

#: A folder with all of these is an entry of a zoo. Outputs do not replace its files.
_ENTRY = ("model.safetensors", "metrics.json")
#: Linux follows this many links.
_MOST_LINKS = 40


@dataclass(frozen=True)
class Content:
    """A kind of file: its name, and how to recognize it by its path and first bytes."""

    name: str
    recognizes: Callable[[Path, bytes], bool]


def beginning(name: str, *starts: bytes) -> Content:
    """A kind of file that starts with one of ``starts``."""
    return Content(name, lambda path, head: head.startswith(starts))


PNG = beginning("a PNG picture", b"\x89PNG\r\n\x1a\n")
#: Number of bytes read to recognize a kind of file.
_HEAD = 4096

#: Start of a git-lfs pointer: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS = b"version https://git-lfs"


def write_whole(path: Path, *parts: bytes) -> None:
    """Replace ``path`` atomically by the concatenated ``parts``, even if power is lost.

    For vaezoo's own files; use ``write_output`` for files that the user names. Raises OSError and
    leaves the old file unchanged.
    """
    with _replacing(path, None) as file:
        file.writelines(parts)


def write_output(path: Path, *parts: bytes) -> None:
    """Write a file that the user named, see ``output``."""
    with output(path) as file:
        file.writelines(parts)


@contextmanager
def output(path: Path) -> Iterator[BinaryIO]:
    """Open a file that the user named, in an existing folder, for writing.

    A regular file is replaced atomically when the block ends, and keeps its mode. A link is
    followed. Anything else, such as a device, a FIFO or ``/dev/stdout``, is written directly.
    Raises OSError and leaves a regular file unchanged.
    """
    descriptor = _descriptor(path)
    if descriptor is not None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()  # keep the order of the output
        with open(os.dup(descriptor), "wb") as file:
            yield file
        return
    before = _status(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        # without O_CREAT, so that no file is created if the device has disappeared
        with open(os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)), "wb") as file:
            yield file
        return
    with _replacing(Path(os.path.realpath(path)), before) as file:
        yield file


def check_output(path: Path, content: Content | None = None) -> None:
    """Raise OSError if a quick check shows that ``path`` cannot be written as an output.

    With ``content``, an existing file must be of that kind and not part of an entry.
    """
    if _descriptor(path) is not None:
        return
    before = _status(path)
    real = Path(os.path.realpath(path))
    if before is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    if before is not None and not stat.S_ISREG(before.st_mode):
        return
    if not os.access(real.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(real.parent))
    if before is None or content is None:
        return
    with real.open("rb") as file:
        head = file.read(_HEAD)
    if head and not content.recognizes(path, head):
        reason = f"it exists and is not {content.name}; --force replaces it"
        raise FileExistsError(errno.EEXIST, reason, str(path))
    entry = next((folder for folder in list(real.parents)[:2] if _is_entry(folder)), None)
    if entry is not None:
        reason = f"it belongs to the entry in {entry}; --force replaces it"
        raise FileExistsError(errno.EEXIST, reason, str(path))


def check_parent(path: Path) -> None:
    """Raise OSError with the nearest existing folder unless the parent of ``path`` is a folder."""
    parent = path.parent
    if parent.is_dir():
        return
    if os.path.lexists(parent) and not parent.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent} is not a folder", str(path))
    nearest = next(folder for folder in parent.absolute().parents if os.path.lexists(folder))
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{nearest} is not a folder", str(path))
    reason = f"no folder {parent}; the nearest is {nearest}"
    raise FileNotFoundError(errno.ENOENT, reason, str(path))


def _is_entry(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _ENTRY)


def _status(path: Path) -> os.stat_result | None:
    """The status of a path, links followed; None for a missing file in an existing folder."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        check_parent(Path(os.path.realpath(path)))
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    return found


def _descriptor(path: Path) -> int | None:
    """The file descriptor that a path such as ``/dev/stdout`` stands for.

    Opening the path again would truncate a file that the shell has opened.
    """
    own = (f"/proc/{os.getpid()}/fd", "/dev/fd")
    for _ in range(_MOST_LINKS):
        if path.name.isdigit() and os.path.realpath(path.parent) in own:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


@contextmanager
def _replacing(path: Path, before: os.stat_result | None) -> Iterator[BinaryIO]:
    """A temporary file that replaces ``path`` at the end, with the owner and mode of ``before``."""
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("xb") as file:
            if before is not None:
                _copy_owner_and_mode(before, file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_owner_and_mode(before: os.stat_result, file: BinaryIO) -> None:
    if hasattr(os, "fchown"):
        with contextlib.suppress(OSError):  # only root may change the owner
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.chmod(file.name, stat.S_IMODE(before.st_mode))


def is_lfs_pointer(path: Path) -> bool:
    """Whether the file is a git-lfs pointer, as after a clone without git-lfs."""
    if not os.path.isfile(path):  # reading a FIFO would wait for a writer
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_LFS)) == _LFS
    except OSError:
        return False


def in_units(size: int) -> str:
    """A size in decimal units: ``3.1 GB``."""
    value, units = float(size), ["bytes", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    whole = value >= 9.95 or units[0] == "bytes"
    return f"{value:,.0f} {units[0]}" if whole else f"{value:.1f} {units[0]}"


def expanded(path: str | Path) -> Path:
    """The path with a leading ``~`` or ``~user`` expanded.

    Raises FileNotFoundError for an unknown user or home, unless a file has that literal name.
    """
    text = os.fspath(path)
    found = os.path.expanduser(text)
    if not found.startswith("~") or os.path.lexists(found):
        return Path(found)
    user = text[1:].partition(os.sep)[0]
    problem = f"no user {user!r}" if user else "the home folder is unknown; set HOME"
    reason = f"{problem}, or write ./{text} for a file of that name"
    raise FileNotFoundError(errno.ENOENT, reason, text)


def cache_folder() -> Path:
    """``$VAEZOO_CACHE``, or vaezoo's folder in the user's cache. It need not exist yet.

    Without a home it is in the folder for temporary files. Raises FileNotFoundError if
    ``VAEZOO_CACHE`` is below an unknown home.
    """
    chosen = os.environ.get("VAEZOO_CACHE")
    if chosen:
        return expanded(chosen)
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("vaezoo", appauthor=False))
    except RuntimeError:  # newer versions raise it without a home
        return _cache_without_home()
    return folder if folder.is_absolute() else _cache_without_home()


def config_folder() -> Path:
    """``$VAEZOO_CONFIG``, or vaezoo's folder in the user's configuration. It need not exist yet.

    Raises FileNotFoundError if ``VAEZOO_CONFIG`` is below an unknown home.
    """
    chosen = os.environ.get("VAEZOO_CONFIG")
    if chosen:
        return expanded(chosen)
    import platformdirs

    with contextlib.suppress(RuntimeError):  # newer versions raise it without a home
        folder = Path(platformdirs.user_config_dir("vaezoo", appauthor=False))
        if folder.is_absolute():
            return folder
    return _cache_without_home() / "config"


def _cache_without_home() -> Path:
    """A folder of this user; another user may already have one of that name."""
    folder = Path(tempfile.gettempdir()) / f"vaezoo-{os.getuid()}"
    try:
        is_own = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
    except FileNotFoundError:
        is_own = True
    return folder if is_own else folder.with_name(f"{folder.name}-{os.getpid()}")
