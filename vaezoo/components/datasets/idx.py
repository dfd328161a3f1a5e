"""Read IDX, the file format of MNIST, plain or compressed with gzip.

A file has two zero bytes, a type byte, the number of dimensions n, n sizes as big-endian uint32,
and the values.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vaezoo.components.datasets.image_data import cause, data_error
from vaezoo.registry import Split

if TYPE_CHECKING:
    from torch import Tensor

#: type byte -> (numpy type, bytes per value), for the types of image datasets
_TYPES = {0x08: ("u1", 1), 0x0C: (">i4", 4)}


def find(folder: Path, name: str) -> Path | None:
    """Find the file ``name`` in a folder under any of its usual names.

    These are ``train-images-idx3-ubyte`` (original) and ``train-images.idx3-ubyte`` (7-Zip), each
    also with ``.gz`` and in a folder of such a name (Kaggle).
    """
    stem, dash, kind = name.rpartition("-idx")
    names = [name, f"{stem}.idx{kind}"] if dash else [name]
    names += [f"{one}.gz" for one in names]
    places = [folder / one for one in names]
    places += [folder / outer / one for outer in names for one in names]
    return next((path for path in places if path.is_file()), None)


def read_split(images: Path, labels: Path) -> Split:
    """Read images (N, 1, 28, 28) and labels (N,), the first column if there are several.

    Raises DataError if a file is damaged or the two do not match.
    """
    pixels, classes = read(images, (28, 28)), read(labels)
    if classes.ndim == 2:  # QMNIST: the class, then seven columns about the writer
        classes = classes[:, 0].contiguous()
    if len(pixels) != len(classes):
        raise _damaged(labels, f"it has {len(classes)} labels for {len(pixels)} images")
    if not len(pixels):
        raise _damaged(images, "it has no images")
    return Split(pixels.unsqueeze(1), classes.long())


def read(path: Path, item: tuple[int, ...] | None = None) -> Tensor:
    """Read the values of a file, uint8 or int32, in the shape of its header.

    ``item`` is the required shape of one entry. Raises DataError for a damaged file.
    """
    try:
        with gzip.open(path) if _is_compressed(path) else path.open("rb") as file:
            return _read_values(path, file, item)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, f"gzip: {cause(error)}") from error
    except OSError as error:
        raise data_error(
            f"cannot read {path}: {error.strerror or error}",
            "check its permissions, or remove `root`",
        ) from error


def _is_compressed(path: Path) -> bool:
    """Whether a file is compressed, by its content: browsers may unpack a file but keep ``.gz``."""
    with path.open("rb") as file:
        magic = file.read(2)
    return magic == b"\x1f\x8b" or (len(magic) < 2 and path.suffix == ".gz")


def _read_values(
    path: Path, file: BinaryIO | gzip.GzipFile, item: tuple[int, ...] | None
) -> Tensor:
    import numpy as np
    import torch

    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not magic[3]:
        raise _damaged(path, "it does not start like an IDX file of bytes or integers")
    kind, width = _TYPES[magic[2]]
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise _damaged(path, "its header is incomplete")
    shape = struct.unpack(f">{magic[3]}I", header)
    if item is not None and shape[1:] != item:
        raise _wrong_size(path, shape[1:], item)
    expected = math.prod(shape) * width
    values = _at_most(file, expected + 1)
    if len(values) != expected:
        found = "more" if len(values) > expected else f"{len(values):,}"
        raise _damaged(path, f"its header gives {expected:,} bytes, but it has {found}")
    array = np.frombuffer(values, kind).reshape(shape)
    return torch.from_numpy(array if width == 1 else array.astype("i4"))


def _at_most(file: BinaryIO | gzip.GzipFile, limit: int) -> bytearray:
    """Up to ``limit`` bytes in pieces, so that a wrong header cannot allocate all memory."""
    content = bytearray()
    while piece := file.read(min(limit - len(content), 2**24)):
        content += piece
    return content


def _wrong_size(path: Path, found: tuple[int, ...], expected: tuple[int, ...]) -> Exception:
    def text(sizes: tuple[int, ...]) -> str:
        return " × ".join(map(str, sizes)) or "single numbers"

    return data_error(
        f"{path} has images of the wrong size: {text(found)}, expected {text(expected)}",
        "set `root` to the original files; for other images write a dataset plugin, "
        "or save them as pictures for image_folder",
    )


def _damaged(path: Path, why: str) -> Exception:
    return data_error(f"{path} is damaged: {why}", "delete the file and download it again")
