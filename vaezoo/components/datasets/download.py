"""Datasets that torchvision knows how to download.

Downloads go to the cache folder and nowhere else: a ``root`` is only ever read. A spec can so
be run without a look at its paths, since none of them makes anything be written.
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

#: seconds without a byte after which a server counts as gone; torchvision would wait for ever
TIMEOUT = 30.0


class DownloadedDataset(Dataset):
    """A dataset in files that were downloaded, by vaezoo into its cache or by the user."""

    location: ClassVar[str] = "root"
    #: how to get the files without vaezoo, as it follows "check the network, or "
    by_hand: ClassVar[str] = (
        "download it elsewhere with torchvision and set `root` to the folder given to torchvision"
    )

    root: str | None = Field(
        None,
        description="a torchvision root that already holds the files; it is only read. "
        "Left out, the files live in vaezoo's cache ($VAEZOO_CACHE)",
    )
    download: bool = Field(
        True, description="download missing files to the cache; has no effect on a root"
    )

    @property
    def folder(self) -> Path:
        """The torchvision root in use."""
        if self.root is None:
            return cache_folder() / "downloads"
        return Path(self.root).expanduser()

    @abstractmethod
    def missing(self) -> list[str]:
        """The files that are not there, relative to ``folder``."""

    @abstractmethod
    def fetch(self) -> None:
        """Download the missing files to ``folder``, as torchvision does."""

    @property
    def binary(self) -> bool:
        return False

    def problem(self) -> str | None:
        if self.root is not None and (problem := folder_problem("root", self.root)):
            return problem
        missing = self.missing()
        if not missing or (self.root is None and self.download):
            return None
        return f"{self.folder.absolute()} does not hold {_listed(missing)}; {self.by_hand}"

    def ensure(self) -> None:
        """Have all files in ``folder``. Raises DataError where that fails."""
        missing = self.missing()
        if not missing:
            return
        if self.root is not None or not self.download:
            hint = "leave `root` out" if self.root is not None else "set `download: true`"
            raise data_error(
                f"{self.folder.absolute()} does not hold {_listed(missing)}",
                f"{hint} to have {self.use} downloaded, or set `root` to a folder that holds it",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _patient_but_not_for_ever(), contextlib.redirect_stdout(sys.stderr):
                self.fetch()
        # whatever a library raises on the way is the same news: the files could not be had
        except Exception as error:
            raise data_error(
                f"{self.use} could not be downloaded to {self.folder}: {_in_one_line(error)}",
                f"check the network, or {self.by_hand}",
            ) from error
        if missing := self.missing():
            raise data_error(
                f"{self.use} was downloaded, but {self.folder} lacks {_listed(missing)}",
                f"delete what {self.folder} holds of it and try again",
            )


@contextlib.contextmanager
def _patient_but_not_for_ever() -> Iterator[None]:
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
