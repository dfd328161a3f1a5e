"""Datasets larger than memory: written once, then read from disk.

Each split is a safetensors file in vaezoo's cache folder. Its header is written last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import torch
from torch import Tensor

from vaezoo.data.memory_mapped import mapped
from vaezoo.diagnostics import DataError, Diagnostic
from vaezoo.registry import ImageData, ImageShape, Split
from vaezoo.system.files import cache_folder
from vaezoo.system.regular_file import open_regular

#: bytes before the images: the header's length (8 bytes) and the header, padded with blanks
_HEADER_BYTES = 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: raised when reading a file of another structure
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error)


class ImageWriter:
    """Writes the images of a dataset, any number at a time."""

    def __init__(self, folder: Path, shape: ImageShape) -> None:
        self._splits = {name: _SplitFile(folder / _file(name), shape) for name in ("train", "test")}

    def add(
        self,
        split: Literal["train", "test"],
        images: Tensor,
        labels: Tensor | int | None = None,
    ) -> None:
        """Append one uint8 image (C, H, W) or several (N, C, H, W) to a split, with labels.

        In a split, either all images have labels or none has. Raises ValueError for another shape
        or type, and for labels that are missing or unexpected.
        """
        self._splits[split].add(images, labels)

    def finish(self) -> None:
        """Complete both files. Raises ValueError for a split without images."""
        for split in self._splits.values():
            split.finish()

    def close(self) -> None:
        """Close the files."""
        for split in self._splits.values():
            split.file.close()


class _SplitFile:
    """Writes one split."""

    def __init__(self, path: Path, shape: ImageShape) -> None:
        self.file: BinaryIO = path.open("wb")
        self.file.write(b"\0" * _HEADER_BYTES)
        self._name = path.stem
        self._shape = shape
        self._labels = array("q")
        self._count = 0
        self._digest = hashlib.sha256()

    def add(self, images: Tensor, labels: Tensor | int | None) -> None:
        if images.ndim == 3:
            images = images[None]
        if images.dtype != torch.uint8 or tuple(images.shape[1:]) != tuple(self._shape):
            raise ValueError(
                f"{self._name} images are {tuple(images.shape)} in {images.dtype}, "
                f"expected (N, {', '.join(map(str, self._shape))}) in torch.uint8"
            )
        given = [] if labels is None else torch.as_tensor(labels).flatten().tolist()
        labelled = bool(self._labels) if self._count else bool(given)
        if len(given) != len(images) * labelled:
            raise ValueError(f"{len(given)} labels for {len(images)} {self._name} images")
        content = images.cpu().contiguous().numpy().data.cast("B")
        self.file.write(content)
        self._digest.update(content)
        self._labels.extend(given)
        self._count += len(images)

    def finish(self) -> None:
        if not self._count:
            raise ValueError(f"the {self._name} split has no images")
        end = self._count * math.prod(self._shape)
        header = {"images": _entry("U8", (self._count, *self._shape), 0, end)}
        if self._labels:
            padding = -end % 8  # int64 data must be aligned to 8 bytes
            if padding:
                header["padding"] = _entry("U8", (padding,), end, end + padding)
                end += padding
            header["labels"] = _entry("I64", (self._count,), end, end + 8 * self._count)
            labels = torch.tensor(self._labels, dtype=torch.int64).numpy().astype("<i8").tobytes()
            self.file.write(b"\0" * padding + labels)
            self._digest.update(labels)
        text = json.dumps({"__metadata__": {"digest": self._digest.hexdigest()}, **header}).encode()
        self.file.seek(0)
        self.file.write(struct.pack("<Q", _HEADER_BYTES - 8) + text.ljust(_HEADER_BYTES - 8))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


def images_on_disk(
    name: str,
    shape: ImageShape,
    write: Callable[[ImageWriter], None],
    class_names: tuple[str, ...] = (),
) -> ImageData:
    """A dataset in files, never completely in memory::

        images_on_disk(f"faces-{side}", ImageShape(3, side, side), write)

    ``write`` adds the images to an ``ImageWriter``. It is called only if the cache folder has no
    dataset of this ``name``, so the name must contain everything that the images depend on. The
    images are tensors that are read from disk on access.

    Raises DataError (VZ601) where the files cannot be written or are damaged, ValueError for an
    invalid name and for images that do not match ``shape``, and whatever ``write`` raises; then
    no file is kept.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid name; use letters, digits, '.', '_', '-'")
    folder = cache_folder() / "datasets" / name
    try:
        if not folder.is_dir():
            _write(folder, shape, write)
        (train, first), (test, second) = (
            _read(folder / _file(split), shape) for split in ("train", "test")
        )
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "free disk space, or set VAEZOO_CACHE to a folder on another disk"
        raise _error(f"cannot write or read {folder}: {reason}", hint) from error
    digest = hashlib.sha256(f"train {first}\ntest {second}\n{tuple(shape)}".encode()).hexdigest()
    return ImageData(train, test, class_names, digest)


def _write(folder: Path, shape: ImageShape, write: Callable[[ImageWriter], None]) -> None:
    """Write both files atomically, also when two processes write them at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.partial")
    partial.mkdir()
    try:
        writer = ImageWriter(partial, shape)
        with contextlib.closing(writer):
            write(writer)
            writer.finish()
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise another process was faster
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _read(path: Path, shape: ImageShape) -> tuple[Split, str]:
    """A split with its images on disk, and the digest of its content."""
    try:
        with open_regular(path) as file:
            header = json.loads(file.read(_HEADER_BYTES)[8:])
            stored = header["images"]["shape"]
            if tuple(stored[1:]) != tuple(shape):
                raise ValueError(f"its images are {stored[1:]}, expected {list(shape)}")
            end = max(entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_")
            if path.stat().st_size != _HEADER_BYTES + end:
                raise ValueError(f"it is not {_HEADER_BYTES + end:,} bytes long")
            labels = None
            if "labels" in header:
                file.seek(_HEADER_BYTES + header["labels"]["data_offsets"][0])
                labels = torch.frombuffer(bytearray(file.read()), dtype=torch.int64)
        return Split(mapped(path, stored, _HEADER_BYTES), labels), header["__metadata__"]["digest"]
    except (*_MALFORMED, OSError, RecursionError) as error:
        hint = f"delete the folder {path.parent}; it will be created again"
        reason = getattr(error, "strerror", None) or error
        raise _error(f"{path} is damaged: {reason}", hint) from error


def _entry(kind: str, shape: tuple[int, ...], begin: int, end: int) -> dict[str, object]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}


def _file(split: str) -> str:
    return f"{split}.safetensors"


def _error(message: str, hint: str) -> DataError:
    return DataError(Diagnostic("VZ601", message, hint=hint))
