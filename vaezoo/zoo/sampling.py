"""Samples of a model as a file: a picture, an array or tensors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo import weights
from vaezoo.diagnostics import Diagnostic, UsageError, ZooError
from vaezoo.files import PNG, Content, beginning, check_output, write_output

if TYPE_CHECKING:
    from torch import Tensor

#: format -> the suffix that asks for it
FORMATS = {"png": ".png", "npy": ".npy", "safetensors": ".safetensors"}
#: format -> what a file of it is, so that no other is replaced unasked
_CONTENT = {
    "png": PNG,
    "npy": beginning("an array of NumPy", b"\x93NUMPY"),
    "safetensors": Content(
        "a safetensors file of images", lambda path, head: b'"images":{"dtype"' in head
    ),
}


def write_samples(images: Tensor, path: Path, format: str, header: dict[str, str]) -> None:
    """Write images (N, C, H, W) in [0, 1]; the file appears whole or not at all.

    ``png`` is a grid, ``npy`` one float32 array, ``safetensors`` a tensor ``images`` with
    ``header``. Raises ZooError (VZ503) where it cannot be written, UsageError (VZ504) for
    images that have no picture.
    """
    writers = {
        "png": lambda: [_png(images)],
        "npy": lambda: [_npy(images)],
        "safetensors": lambda: weights.encoded({"images": images}, header),
    }
    try:
        write_output(path, *writers[format]())
    except OSError as error:
        raise unwritable(path, error) from error


def check_writable(path: Path, format: str, *, force: bool = False) -> None:
    """Raise ZooError (VZ503) where a cheap look shows that ``path`` cannot be written.

    A file of another kind than ``format`` is only replaced with ``force``.
    """
    try:
        check_output(path, None if force else _CONTENT[format])
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


def _png(images: Tensor) -> bytes:
    from vaezoo.data.grid import png

    try:
        return png(images)
    except ValueError as error:
        hint = "write --format npy or --format safetensors"
        raise UsageError(Diagnostic("VZ504", str(error), hint=hint)) from None


def _npy(images: Tensor) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, images.float().cpu().numpy(), allow_pickle=False)
    return buffer.getvalue()
