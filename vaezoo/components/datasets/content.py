"""What every dataset here ends in: an ``ImageData`` with its digest, or a ``DataError``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DataError, Diagnostic
from vaezoo.registry import ImageData, Split

if TYPE_CHECKING:
    from torch import Tensor

DIGITS = tuple("0123456789")


def data_error(message: str, hint: str) -> DataError:
    """The error for a dataset that cannot be had: what failed, and what to do."""
    return DataError(Diagnostic("VZ601", message, hint=hint))


def image_data(train: Split, test: Split, class_names: tuple[str, ...]) -> ImageData:
    """The two splits with the digest of their content."""
    return ImageData(train, test, class_names, content_digest(train, test))


def content_digest(train: Split, test: Split) -> str:
    """SHA-256 over shapes and values of images and labels: 64 hexadecimal digits.

    It knows nothing of files, so it is the same however the data was loaded.
    """
    digest = hashlib.sha256()
    for name, split in (("train", train), ("test", test)):
        _add(digest, f"{name}.images", split.images)
        if split.labels is not None:
            _add(digest, f"{name}.labels", split.labels)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, values: Tensor) -> None:
    array = values.contiguous().numpy()
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest.update(f"{name} {array.dtype.name} {array.shape}\n".encode())
    digest.update(little_endian.data.cast("B") if array.size else b"")
