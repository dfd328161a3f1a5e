"""Files that appear whole or not at all, and the folder for what can be made again."""

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

#: A folder that holds all of these is an entry of a zoo, whose files no output replaces.
_ENTRY = ("model.safetensors", "metrics.json")
#: as many links as Linux follows
_MOST_LINKS = 40


@dataclass(frozen=True)
class Content:
    """A kind of file: what it is called, and how to tell one by its path and first bytes."""

    name: str
    recognizes: Callable[[Path, bytes], bool]


def beginning(name: str, *starts: bytes) -> Content:
    """A kind of file that begins with one of ``starts``."""
    return Content(name, lambda path, head: head.startswith(starts))


PNG = beginning("a PNG picture", b"\x89PNG\r\n\x1a\n")
#: bytes that are looked at to tell a kind of file
_HEAD = 4096

#: How a pointer of git-lfs begins: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS = b"version https://git-lfs"


def write_whole(path: Path, *parts: bytes) -> None:
    """Write ``parts`` one after another to ``path``, in place of what was there.

    This is for files of vaezoo's own; what people name on the command line goes by
    ``write_output``. Another process sees the old file or the new one, and so does the next
    start of a machine that loses power. Raises OSError, with the old file as it was.
    """
    with _replacing(path, None) as file:
        file.writelines(parts)


def write_output(path: Path, *parts: bytes) -> None:
    """Write a file that someone asked for, see ``output``."""
    with output(path) as file:
        file.writelines(parts)


@contextmanager
def output(path: Path) -> Iterator[BinaryIO]:
    """Open a file that someone asked for, in the folder that is there for it.

    A regular file is replaced as a whole when the block ends, and keeps its mode; a link stays,
    and what it leads to is replaced. Anything else, such as a device, a FIFO or ``/dev/stdout``,
    is written straight into. Raises OSError, with the old file as it was.
    """
    descriptor = _descriptor(path)
    if descriptor is not None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()  # what was printed earlier comes first
        with open(os.dup(descriptor), "wb") as file:
            yield file
        return
    before = _status(path)
    if before is not None and not stat.S_ISREG(before.st_mode):
        # without O_CREAT: where the device is gone meanwhile, no file takes its place
        with open(os.open(path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0)), "wb") as file:
            yield file
        return
    with _replacing(Path(os.path.realpath(path)), before) as file:
        yield file


def check_output(path: Path, content: Content | None = None) -> None:
    """Raise OSError where a cheap look tells that ``path`` cannot be written as an output.

    With ``content``, a file that is there must be of that kind, and not part of an entry.
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
        reason = f"it is there already, and is not {content.name}; --force replaces it"
        raise FileExistsError(errno.EEXIST, reason, str(path))
    entry = next((folder for folder in list(real.parents)[:2] if _is_entry(folder)), None)
    if entry is not None:
        reason = f"it belongs to the entry in {entry}; --force replaces it"
        raise FileExistsError(errno.EEXIST, reason, str(path))


def check_parent(path: Path) -> None:
    """Raise OSError, which names the nearest folder there is, unless ``path`` lies in a folder."""
    parent = path.parent
    if parent.is_dir():
        return
    if os.path.lexists(parent) and not parent.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent} is not a folder", str(path))
    there = next(folder for folder in parent.absolute().parents if os.path.lexists(folder))
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{there} is not a folder", str(path))
    reason = f"there is no folder {parent}; the nearest one is {there}"
    raise FileNotFoundError(errno.ENOENT, reason, str(path))


def _is_entry(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _ENTRY)


def _status(path: Path) -> os.stat_result | None:
    """What lies at a path, links followed; None for nothing in a folder that is there."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        check_parent(Path(os.path.realpath(path)))
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    return found


def _descriptor(path: Path) -> int | None:
    """The number of this process's open file that a path such as ``/dev/stdout`` stands for.

    Such a path is not opened again: a file that the shell opened would lose what is in it.
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
    """A file beside ``path`` that takes its place, with the owner and mode of ``before``."""
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.partial")
    try:
        with temporary.open("xb") as file:
            if before is not None:
                _take_over(file, before)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _take_over(file: BinaryIO, before: os.stat_result) -> None:
    if hasattr(os, "fchown"):
        with contextlib.suppress(OSError):  # only root may give files away
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.chmod(file.name, stat.S_IMODE(before.st_mode))


def is_lfs_pointer(path: Path) -> bool:
    """Whether git-lfs has left a note in place of the file, as where it is not installed."""
    if not os.path.isfile(path):  # reading a FIFO would wait for somebody to write
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
