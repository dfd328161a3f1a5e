"""Samples of a model as a file: a picture, an array or tensors."""

from __future__ import annotations

import io
import itertools
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import Diagnostic, UsageError, ZooError
from vaezoo.system import safetensors_io
from vaezoo.system.files import PNG, Content, beginning, check_output, in_units, output

if TYPE_CHECKING:
    from torch import Tensor

#: format -> the suffix that asks for it
FORMATS = {"png": ".png", "npy": ".npy", "safetensors": ".safetensors"}
#: The most pixels of a grid; viewers refuse pictures of some more.
_LARGEST_GRID = 64_000_000
#: Pixels a side that a grid makes of one, and those between two images.
_SCALE, _PADDING = 2, 2
#: format -> what a file of it is, so that no other is replaced unasked
_CONTENT = {
    "png": PNG,
    "npy": beginning("an array of NumPy", b"\x93NUMPY"),
    "safetensors": Content(
        "a safetensors file of images", lambda path, head: b'"images":{"dtype"' in head
    ),
}


@dataclass(frozen=True)
class SampleGrid:
    """What is to be written: ``count`` images of ``shape`` (C, H, W) as float32, to ``path``."""

    path: Path
    format: str
    count: int
    shape: tuple[int, int, int]

    @property
    def size(self) -> int:
        """Bytes of the images in an array or a tensor."""
        channels, height, width = self.shape
        return 4 * self.count * channels * height * width

    @property
    def pixels(self) -> int:
        """Pixels of a grid, about."""
        _, height, width = self.shape
        return self.count * (_SCALE * height + _PADDING) * (_SCALE * width + _PADDING)

    def refuse_what_does_not_fit(self) -> None:
        """Raise ZooError (VZ503) for more bytes than the disk has left, UsageError (VZ504) for
        a grid that no viewer shows."""
        if self.format == "png":
            if self.pixels > _LARGEST_GRID:
                raise _too_large(self)
            return
        if self.path.exists() and not self.path.is_file():  # a device takes what it takes
            return
        free = shutil.disk_usage(self.path.parent).free
        if self.size > free:
            message = (
                f"{self.count:,} samples are {in_units(self.size)}, "
                f"the disk of {self.path.parent.absolute()} has {in_units(free)} left"
            )
            hint = "take a smaller --n, or an --out on another disk"
            raise ZooError(Diagnostic("VZ503", message, hint=hint))


def write_samples(sheet: SampleGrid, blocks: Iterable[Tensor], header: dict[str, str]) -> None:
    """Write blocks of images (n, C, H, W) in [0, 1]; the file appears whole or not at all.

    ``png`` is a grid, ``npy`` one float32 array, ``safetensors`` a tensor ``images`` with
    ``header``; the last two hold one block at a time in memory. Raises ZooError (VZ503) where the
    file cannot be written, UsageError (VZ504) for images that have no picture.
    """
    whole = (sheet.count, *sheet.shape)
    writers = {
        "png": lambda: iter([_png(blocks)]),
        "npy": lambda: _npy(whole, blocks),
        "safetensors": lambda: safetensors_io.encoded_blocks("images", blocks, whole, header),
    }
    try:
        with output(sheet.path) as file:
            file.writelines(writers[sheet.format]())
    except OSError as error:
        raise unwritable(sheet.path, error) from error


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


def _too_large(sheet: SampleGrid) -> UsageError:
    message = (
        f"a grid of {sheet.count:,} images has about {sheet.pixels / 1e6:,.0f} million pixels, "
        f"the most are {_LARGEST_GRID / 1e6:,.0f} million"
    )
    hint = f"write --format npy, which takes {in_units(sheet.size)}, or a smaller --n"
    return UsageError(Diagnostic("VZ504", message, hint=hint))


def _png(blocks: Iterable[Tensor]) -> bytes:
    import torch

    from vaezoo.data.image_grid import png

    try:
        return png(torch.cat(list(blocks)), scale=_SCALE)
    except ValueError as error:
        hint = "write --format npy or --format safetensors"
        raise UsageError(Diagnostic("VZ504", str(error), hint=hint)) from None


def _npy(shape: tuple[int, ...], blocks: Iterable[Tensor]) -> Iterator[bytes]:
    """The bytes that ``numpy.save`` writes of the whole array, block by block."""
    from numpy.lib import format as npy

    head = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(head, described)
    return itertools.chain(
        [head.getvalue()], (block.float().cpu().numpy().tobytes() for block in blocks)
    )
