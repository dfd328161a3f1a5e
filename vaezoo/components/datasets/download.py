"""Datasets that torchvision can download.

Downloads go only to the cache folder; a ``root`` is only read. A spec of unknown origin therefore
cannot write to a path of its choice.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from vaezoo.components.datasets.image_data import data_error, folder_problem
from vaezoo.registry import Dataset
from vaezoo.system.files import cache_folder

#: timeout for a server without a response, in seconds; torchvision has none
TIMEOUT = 30.0


class DownloadedDataset(Dataset):
    """A dataset in downloaded files, in vaezoo's cache or in a folder of the user."""

    location: ClassVar[str] = "root"
    #: how to get the files without vaezoo; continues "check the network, or "
    by_hand: ClassVar[str] = (
        "download it elsewhere with torchvision and set `root` to the folder given to torchvision"
    )

    root: str | None = Field(
        None,
        description="a torchvision root with the files, which is only read; by default the files "
        "are in vaezoo's cache ($VAEZOO_CACHE)",
    )
    download: bool = Field(
        True, description="download missing files to the cache; has no effect with a root"
    )

    @property
    def folder(self) -> Path:
        """The torchvision root in use."""
        if self.root is None:
            return cache_folder() / "downloads"
        return Path(self.root).expanduser()

    @abstractmethod
    def missing(self) -> list[str]:
        """The missing files, relative to ``folder``."""

    @abstractmethod
    def fetch(self) -> None:
        """Download the missing files to ``folder``, in torchvision's layout."""

    @property
    def binary(self) -> bool:
        return False

    def problem(self) -> str | None:
        if self.root is not None and (problem := folder_problem("root", self.root)):
            return problem
        missing = self.missing()
        if not missing or (self.root is None and self.download):
            return None
        return f"{self.folder.absolute()} lacks {_listed(missing)}; {self.by_hand}"

    def ensure(self) -> None:
        """Download missing files to ``folder``. Raises DataError if that fails."""
        missing = self.missing()
        if not missing:
            return
        if self.root is not None or not self.download:
            hint = "remove `root`" if self.root is not None else "set `download: true`"
            raise data_error(
                f"{self.folder.absolute()} lacks {_listed(missing)}",
                f"{hint} to download {self.use}, or set `root` to a folder that has it",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _socket_timeout(), contextlib.redirect_stdout(sys.stderr):
                self.fetch()
        except Exception as error:
            raise data_error(
                f"cannot download {self.use} to {self.folder}: {_in_one_line(error)}",
                f"check the network, or {self.by_hand}",
            ) from error
        if missing := self.missing():
            raise data_error(
                f"{self.use} was downloaded, but {self.folder} still lacks {_listed(missing)}",
                f"delete its files in {self.folder} and try again",
            )


@contextlib.contextmanager
def _socket_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more files"


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__
