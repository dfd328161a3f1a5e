"""A zoo in a folder, such as one on a shared disk: ``file:///folder/zoo``."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vaezoo.system.file_lock import locked
from vaezoo.system.files import write_whole
from vaezoo.system.folders import make_own_folder
from vaezoo.system.regular_file import open_regular
from vaezoo.zoo.remote.remote_files import (
    BLOCK,
    ChangedMeanwhile,
    Missing,
    Refused,
    RemoteFiles,
    Unavailable,
)

_LOCK, _LOCK_TIMEOUT = ".index.lock", 30.0


class LocalFiles(RemoteFiles):
    """Reads regular files only, none through a link below the zoo's folder."""

    @property
    def folder(self) -> Path:
        return Path(self.address.place)

    def blocks(self, path: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        left = None if size is None else size - start + 1
        try:
            with open_regular(self.folder / path, within=self.folder) as file:
                file.seek(start)
                while block := file.read(BLOCK if left is None else min(BLOCK, left)):
                    if left is not None:
                        left -= len(block)
                    yield block
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(f"there is no {path}") from None
        except OSError as error:
            if error.errno == errno.EINVAL:  # a link, a FIFO or a device
                raise Refused(f"{path} cannot be read: {error.strerror}") from None
            raise Unavailable(f"{path} cannot be read: {error.strerror}") from None

    def write(
        self,
        files: Mapping[str, Path | bytes],
        advance: Callable[[int], object] = lambda done: None,
    ) -> None:
        with _explained():
            self.folder.mkdir(parents=True, exist_ok=True)
            for path, content in files.items():
                target = self._prepared(path)
                if isinstance(content, bytes):
                    write_whole(target, content)
                else:
                    _copy(content, target)
                advance(target.stat().st_size)

    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        with _explained(), locked(self.folder / _LOCK, timeout=_LOCK_TIMEOUT):
            target = self._prepared(path)
            now = target.read_bytes() if target.is_file() else None
            if now != before:
                raise ChangedMeanwhile(f"{path} was changed by another push")
            write_whole(target, content)

    def _prepared(self, path: str) -> Path:
        """The path, with its folders; none of them is a link."""
        *folders, name = path.split("/")
        place = self.folder
        for folder in folders:
            place = place / folder
            make_own_folder(place)
        return place / name


def _copy(source: Path, target: Path) -> None:
    """Copy a regular file, complete or not at all."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with open_regular(source) as original, partial.open("wb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        partial.chmod(stat.S_IMODE(source.stat().st_mode) | stat.S_IRUSR)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _explained() -> Iterator[None]:
    """An OSError inside becomes Unavailable."""
    try:
        yield
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        reason = f"cannot write{place}: {error.strerror or error}"
        raise Unavailable(reason, "free disk space or check the permissions") from None
