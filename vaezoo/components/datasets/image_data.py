"""Helpers of all datasets: ``ImageData`` with a digest, errors and warnings."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import DataError, Diagnostic, Severity, nearest, warn
from vaezoo.registry import ImageData, Split

if TYPE_CHECKING:
    from torch import Tensor

DIGITS = tuple("0123456789")


def data_error(message: str, hint: str) -> DataError:
    """The error for a dataset that cannot be loaded (VZ601)."""
    return DataError(Diagnostic("VZ601", message, hint=hint))


def data_warning(message: str, hint: str) -> None:
    """Warn about the content of a dataset (VZ611)."""
    warn(Diagnostic("VZ611", message, hint=hint, severity=Severity.WARNING))


def cause(error: Exception) -> str:
    """The text of an error on one line."""
    return " ".join(str(error).split())


def folder_problem(field: str, given: str) -> str | None:
    """Why the folder in the spec's ``field`` cannot be used, else None.

    The message has its absolute path and its nearest existing parent.
    """
    try:
        folder = Path(os.path.abspath(Path(given).expanduser()))
        if folder.is_dir():
            return None
    except (OSError, ValueError, RuntimeError) as error:
        return f"{field}: {given!r} cannot be used as a folder: {error}"
    relative = not Path(given).expanduser().is_absolute()
    origin = f" ({given}, from the working directory)" if relative else ""
    if folder.exists():
        return f"{field}: {folder}{origin} is a file, not a folder"
    above = next((parent for parent in folder.parents if parent.is_dir()), folder)
    message = f"{field}: no such folder: {folder}{origin}; the nearest existing parent is {above}"
    close = nearest(folder.relative_to(above).parts[0], _folders_in(above))
    return f"{message}, which contains {close!r}" if close else message


def _folders_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []


def image_data(train: Split, test: Split, class_names: tuple[str, ...]) -> ImageData:
    """The two splits with a digest of their content."""
    return ImageData(train, test, class_names, content_digest(train, test))


def content_digest(train: Split, test: Split) -> str:
    """SHA-256 over shapes and values of images and labels, as 64 hexadecimal digits.

    Independent of the files that the data comes from.
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
