"""CIFAR-10 from its binary archive; the Python version is a pickle, which vaezoo never reads."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.components.datasets.download import DownloadedDataset
from vaezoo.components.datasets.image_data import cause, data_error, image_data
from vaezoo.registry import ImageData, ImageShape, Split

if TYPE_CHECKING:
    from torch import Tensor

ARCHIVE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
_FOLDER = "cifar-10-batches-bin"
_FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
#: files that torchvision downloads
_PYTHON = ("cifar-10-batches-py", "cifar-10-python.tar.gz")
_RECORD = 1 + 3 * 32 * 32


class CIFAR10(DownloadedDataset, use="cifar10"):
    """CIFAR-10 (Krizhevsky 2009): 60,000 color images of 32 × 32 pixels in ten classes.

    Reads the binary version: ``root`` is a folder with the archive ``cifar-10-binary.tar.gz`` or
    the unpacked ``cifar-10-batches-bin``, or is that folder. It does not read the version that
    torchvision downloads (``cifar-10-batches-py``), which is a pickle.
    """

    by_hand = (
        f"download {URL} elsewhere and set `root` to the folder that holds it (torchvision's "
        "cifar-10-batches-py is a pickle, which vaezoo does not read)"
    )

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(3, 32, 32)

    @property
    def class_names(self) -> tuple[str, ...]:
        return CLASS_NAMES

    def missing(self) -> list[str]:
        if (self.folder / ARCHIVE).is_file() or not self._absent(self._unpacked):
            return []
        absent = self._absent(self._unpacked)
        python = any((self.folder / name).exists() for name in _PYTHON)
        note = " (it has the Python version, a pickle, which vaezoo does not read)"
        return [f"{ARCHIVE} or {_FOLDER}/{absent[0]}{note if python else ''}"]

    @property
    def _unpacked(self) -> Path:
        """The folder of the binary files: in the root, or the root itself."""
        below = self.folder / _FOLDER
        return self.folder if self._absent(below) and not self._absent(self.folder) else below

    @staticmethod
    def _absent(folder: Path) -> list[str]:
        return [name for name in _FILES if not (folder / name).is_file()]

    def fetch(self) -> None:
        from torchvision.datasets.utils import download_url

        # download to another name first, so that the archive is never incomplete
        partial = f"{ARCHIVE}.part"
        download_url(URL, self.folder, partial, MD5)
        (self.folder / partial).replace(self.folder / ARCHIVE)

    def build(self) -> ImageData:
        self.ensure()
        contents = self._contents()
        train, test = _split(b"".join(contents[:-1])), _split(contents[-1])
        return image_data(train, test, CLASS_NAMES)

    def _contents(self) -> list[bytes]:
        folder = self._unpacked
        try:
            if not self._absent(folder):
                return [_whole(name, (folder / name).read_bytes()) for name in _FILES]
            with tarfile.open(self.folder / ARCHIVE) as archive:
                return [_whole(name, _member(archive, name)) for name in _FILES]
        except (OSError, EOFError, KeyError, ValueError, tarfile.TarError, zlib.error) as error:
            raise data_error(
                f"cannot read the CIFAR-10 files in {self.folder}: {cause(error)}",
                f"delete {ARCHIVE} and {_FOLDER} there and download them again",
            ) from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"{_FOLDER}/{name}")
    return file.read() if file else b""


def _whole(name: str, content: bytes) -> bytes:
    if not content or len(content) % _RECORD:
        raise ValueError(f"{name} has {len(content):,} bytes, not a multiple of {_RECORD:,}")
    return content


def _split(content: bytes) -> Split:
    """Parse records: a label, then the red, green and blue planes, row by row."""
    import torch

    records: Tensor = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(-1, _RECORD)
    return Split(records[:, 1:].reshape(-1, 3, 32, 32).contiguous(), records[:, 0].long())


CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
