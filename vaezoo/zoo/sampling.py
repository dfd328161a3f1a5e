"""Samples of a model as a file: a picture, an array or tensors."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo import weights
from vaezoo.diagnostics import Diagnostic, UsageError, ZooError

if TYPE_CHECKING:
    from torch import Tensor

#: format -> the suffix that asks for it
FORMATS = {"png": ".png", "npy": ".npy", "safetensors": ".safetensors"}


def write_samples(images: Tensor, path: Path, format: str, header: dict[str, str]) -> None:
    """Write images (N, C, H, W) in [0, 1]; the file appears whole or not at all.

    ``png`` is a grid, ``npy`` one float32 array, ``safetensors`` a tensor ``images`` with
    ``header``. Raises ZooError (VZ503) where it cannot be written, UsageError (VZ504) for
    images that have no picture.
    """
    writers = {
        "png": lambda: write_whole(path, _png(images)),
        "npy": lambda: write_whole(path, _npy(images)),
        "safetensors": lambda: weights.save(path, {"images": images}, header),
    }
    try:
        writers[format]()
    except OSError as error:
        raise unwritable(path, error) from error


def check_writable(path: Path) -> None:
    """Raise ZooError (VZ503) where a cheap look shows that ``path`` cannot be written."""
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(0, "permission denied")
    except FileExistsError:  # what mkdir calls a file in the place of the folder
        raise unwritable(path, NotADirectoryError(0, f"{path.parent} is not a folder")) from None
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> ZooError:
    """The error for a file that cannot be written."""
    return ZooError(
        Diagnostic(
            "VZ503",
            f"cannot write {path}: {error.strerror}",
            hint="choose another file with --out",
        )
    )


def grid_columns(count: int) -> int:
    """How many columns show ``count`` images without a ragged last row, if that looks well."""
    wide = math.sqrt(count * 1.6)  # a little wider than tall
    even = [n for n in range(1, count + 1) if count % n == 0 and wide / 1.5 <= n <= wide * 1.5]
    return min(even, key=lambda n: abs(math.log(n / wide)), default=math.ceil(wide))


def _png(images: Tensor) -> bytes:
    from vaezoo.data.grid import png

    try:
        return png(images, columns=grid_columns(len(images)))
    except ValueError as error:
        hint = "write --format npy or --format safetensors"
        raise UsageError(Diagnostic("VZ504", str(error), hint=hint)) from None


def _npy(images: Tensor) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, images.float().cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
