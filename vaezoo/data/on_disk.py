"""Datasets that are larger than memory: written once, image by image, and read from disk.

Each split is a safetensors file in vaezoo's cache folder, whose header is written last.
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

#: bytes before the images: eight with the header's length, and the header, filled with blanks
_BEFORE = 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: what reading a file of another form raises
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error)


class ImageWriter:
    """Takes the images of a dataset, as many at a time as its maker likes."""

    def __init__(self, folder: Path, shape: ImageShape) -> None:
        self._splits = {name: _SplitFile(folder / _file(name), shape) for name in ("train", "test")}

    def add(
        self,
        split: Literal["train", "test"],
        images: Tensor,
        labels: Tensor | int | None = None,
    ) -> None:
        """Write one uint8 image (C, H, W) or several (N, C, H, W) of a split, and their labels.

        Of a split, either every image has a label or none has. Raises ValueError for what does
        not fit the shape or the images before.
        """
        self._splits[split].add(images, labels)

    def finish(self) -> None:
        """End both files. Raises ValueError for a split without images."""
        for split in self._splits.values():
            split.finish()

    def close(self) -> None:
        """Leave the files as they are."""
        for split in self._splits.values():
            split.file.close()


class _SplitFile:
    """One split on its way to a file."""

    def __init__(self, path: Path, shape: ImageShape) -> None:
        self.file: BinaryIO = path.open("wb")
        self.file.write(b"\0" * _BEFORE)
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
            padding = -end % 8  # numbers of eight bytes begin at a multiple of eight
            if padding:
                header["padding"] = _entry("U8", (padding,), end, end + padding)
                end += padding
            header["labels"] = _entry("I64", (self._count,), end, end + 8 * self._count)
            labels = torch.tensor(self._labels, dtype=torch.int64).numpy().astype("<i8").tobytes()
            self.file.write(b"\0" * padding + labels)
            self._digest.update(labels)
        text = json.dumps({"__metadata__": {"digest": self._digest.hexdigest()}, **header}).encode()
        self.file.seek(0)
        self.file.write(struct.pack("<Q", _BEFORE - 8) + text.ljust(_BEFORE - 8))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()


def images_on_disk(
    name: str,
    shape: ImageShape,
    write: Callable[[ImageWriter], None],
    class_names: tuple[str, ...] = (),
) -> ImageData:
    """A dataset that is kept in a file and never as a whole in memory::

        images_on_disk(f"faces-{side}", ImageShape(3, side, side), write)

    ``write`` is called where there is no such dataset in the cache folder yet: it gives the
    images to an ``ImageWriter``, one by one or in parts. ``name`` says everything that decides
    them, since what was written under it is used as it is. Images come back as tensors whose
    pixels are read from disk when they are looked at.

    Raises DataError (VZ601) where the files cannot be written or are damaged, ValueError for a
    name that is no file name and for images that do not fit ``shape``, and what ``write`` raises;
    nothing is kept then.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a folder's name; use letters, digits, '.', '_', '-'")
    folder = cache_folder() / "datasets" / name
    try:
        if not folder.is_dir():
            _write(folder, shape, write)
        (train, first), (test, second) = (
            _read(folder / _file(split), shape) for split in ("train", "test")
        )
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "make room, or set VAEZOO_CACHE to a folder on another disk"
        raise _refused(f"{folder} cannot be written or read: {reason}", hint) from error
    digest = hashlib.sha256(f"train {first}\ntest {second}\n{tuple(shape)}".encode()).hexdigest()
    return ImageData(train, test, class_names, digest)


def _write(folder: Path, shape: ImageShape, write: Callable[[ImageWriter], None]) -> None:
    """The files appear all or not at all, even where two processes write them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.partial")
    aside.mkdir()
    try:
        writer = ImageWriter(aside, shape)
        with contextlib.closing(writer):
            write(writer)
            writer.finish()
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _read(path: Path, shape: ImageShape) -> tuple[Split, str]:
    """A split, its images still on disk, and the digest of its content."""
    try:
        with open_regular(path) as file:
            header = json.loads(file.read(_BEFORE)[8:])
            stored = header["images"]["shape"]
            if tuple(stored[1:]) != tuple(shape):
                raise ValueError(f"its images are {stored[1:]}, expected {list(shape)}")
            end = max(entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_")
            if path.stat().st_size != _BEFORE + end:
                raise ValueError(f"it is not {_BEFORE + end:,} bytes long")
            labels = None
            if "labels" in header:
                file.seek(_BEFORE + header["labels"]["data_offsets"][0])
                labels = torch.frombuffer(bytearray(file.read()), dtype=torch.int64)
        return Split(mapped(path, stored, _BEFORE), labels), header["__metadata__"]["digest"]
    except (*_MALFORMED, OSError, RecursionError) as error:
        hint = f"delete the folder {path.parent}, and it is made anew"
        reason = getattr(error, "strerror", None) or error
        raise _refused(f"{path} is damaged: {reason}", hint) from error


def _entry(kind: str, shape: tuple[int, ...], begin: int, end: int) -> dict[str, object]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}


def _file(split: str) -> str:
    return f"{split}.safetensors"


def _refused(message: str, hint: str) -> DataError:
    return DataError(Diagnostic("VZ601", message, hint=hint))
