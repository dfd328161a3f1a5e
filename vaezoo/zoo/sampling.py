"""Write samples of a model to a file: PNG, NumPy or safetensors."""

from __future__ import annotations

import io
import itertools
import math
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.data.grid_layout import grid_columns
from vaezoo.diagnostics import Diagnostic, UsageError, ZooError, suggest
from vaezoo.system import safetensors_io
from vaezoo.system.files import PNG, Content, beginning, check_output, in_units, output

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.model import VAE
    from vaezoo.registry import Condition

#: The file suffix of each format.
FORMATS = {"png": ".png", "npy": ".npy", "safetensors": ".safetensors"}
#: The most pixels of a grid; viewers refuse much larger images.
_MAX_GRID_PIXELS = 64_000_000
#: The pixels between two images of a grid.
_PADDING = 2
#: Without a scale, a grid is as large as fits into this width and height, within the scales.
_SCREEN, _SCALES = (1280, 960), (2, 16)
#: The label that stands for every class, and how many samples are drawn by default.
ALL = "all"
_COUNT, _COUNT_OF_EACH = 50, 10
#: The content of a file by format. A file with other content is not replaced without ``force``.
_CONTENT = {
    "png": PNG,
    "npy": beginning("a NumPy array", b"\x93NUMPY"),
    "safetensors": Content(
        "a safetensors file of images", lambda path, head: b'"images":{"dtype"' in head
    ),
}


@dataclass(frozen=True)
class SampleGrid:
    """The output: ``count`` images of ``shape`` (C, H, W) as float32, written to ``path``.

    ``columns`` is the number of images in a row of a PNG, ``scale`` the pixels of its file for
    each pixel of an image, in both directions; by default they are chosen.
    """

    path: Path
    format: str
    count: int
    shape: tuple[int, int, int]
    columns: int | None = None
    scale: int | None = None

    @property
    def size(self) -> int:
        """The bytes of the images as float32."""
        channels, height, width = self.shape
        return 4 * self.count * channels * height * width

    @property
    def used_scale(self) -> int:
        """The scale; if it is not given, the largest one that fits on a screen."""
        if self.scale is not None:
            return self.scale
        _, height, width = self.shape
        if self._pixels(_SCALES[0]) > _SCREEN[0] * _SCREEN[1]:
            return _SCALES[0]
        columns, rows = self._layout
        wide = (_SCREEN[0] - _PADDING) // columns - _PADDING
        high = (_SCREEN[1] - _PADDING) // rows - _PADDING
        least, most = _SCALES
        return min(max(min(wide // width, high // height), least), most)

    @property
    def grid_size(self) -> tuple[int, int]:
        """The width and height of a grid, in pixels."""
        columns, rows = self._layout
        _, height, width = self.shape
        step_x, step_y = self.used_scale * width + _PADDING, self.used_scale * height + _PADDING
        return columns * step_x + _PADDING, rows * step_y + _PADDING

    @property
    def pixels(self) -> int:
        """The approximate number of pixels of a grid."""
        return self._pixels(self.used_scale)

    @property
    def about(self) -> str:
        """The size of a grid and its scale, in words; empty for other formats."""
        if self.format != "png":
            return ""
        width, height = self.grid_size
        return f" ({width}×{height} pixels, scale {self.used_scale})"

    def _pixels(self, scale: int) -> int:
        _, height, width = self.shape
        return self.count * (scale * height + _PADDING) * (scale * width + _PADDING)

    @property
    def _layout(self) -> tuple[int, int]:
        """The numbers of columns and rows."""
        columns = min(self.count, self.columns or grid_columns(self.count))
        return columns, math.ceil(self.count / columns)

    def check_size(self) -> None:
        """Raise ZooError (VZ503) if the disk is too small, UsageError (VZ504) for a grid that is
        too large for viewers."""
        if self.format == "png":
            if self.pixels > _MAX_GRID_PIXELS:
                raise _too_large(self)
            return
        if self.path.exists() and not self.path.is_file():  # a device has no free space
            return
        free = shutil.disk_usage(self.path.parent).free
        if self.size > free:
            message = (
                f"{self.count:,} samples are {in_units(self.size)}, "
                f"the disk of {self.path.parent.absolute()} has {in_units(free)} free"
            )
            hint = "use a smaller --n, or an --out on another disk"
            raise ZooError(Diagnostic("VZ503", message, hint=hint))


@dataclass(frozen=True)
class Draws:
    """``count`` samples in blocks. ``about`` says of which class they are.

    ``columns`` is the number of images in a row if each row is a class.
    """

    count: int
    blocks: Iterator[Tensor]
    about: str = ""
    columns: int | None = None


def draws(
    model: VAE, count: int | None, label: str | None, seed: int, sampler: str | None = None
) -> Draws:
    """Samples of a model: of one class, or ``count`` of each class if ``label`` is ``all``.

    ``count`` is by default 50, or 10 of each class. Each class has the same random numbers, so
    that a row of ``all`` equals the samples of its class alone.

    Raises UsageError (VZ504) for a class that does not exist and for a model without a condition.
    """
    if label is None:
        count = count or _COUNT
        return Draws(count, model.sample_in_blocks(count, seed=seed, sampler=sampler))
    if model.condition is None:
        raise UsageError(
            Diagnostic(
                "VZ504",
                f"there is no class {label!r}: the model has no condition",
                hint="omit --label, or train a model with model.condition: labels",
            )
        )
    if label == ALL and label not in model.condition.names:
        each, names = count or _COUNT_OF_EACH, model.condition.names
        of_class = partial(model.sample_in_blocks, each, seed=seed, sampler=sampler)
        each_class = (of_class(labels=name) for name in names)
        blocks = itertools.chain.from_iterable(each_class)
        about = f", {each:,} of each class"
        return Draws(each * len(names), blocks, about, each)
    count, number = count or _COUNT, _label(model.condition, label)
    about = f", class {model.condition.names[number]}"
    of_one = model.sample_in_blocks(count, labels=number, seed=seed, sampler=sampler)
    return Draws(count, of_one, about)


def _label(condition: Condition, given: str) -> int:
    """The label of a class given by its name, or by its number."""
    if given in condition.names:
        return condition.names.index(given)
    if given.isascii() and given.isdecimal() and int(given) < condition.size:
        return int(given)
    hint = suggest(given, condition.names, "classes")
    raise UsageError(Diagnostic("VZ504", f"there is no class {given!r}", hint=hint))


def write_samples(sheet: SampleGrid, blocks: Iterable[Tensor], header: dict[str, str]) -> None:
    """Write blocks of images (n, C, H, W) in [0, 1] atomically.

    ``png`` is a grid, ``npy`` a float32 array, ``safetensors`` a tensor ``images`` with ``header``;
    the last two keep one block at a time in memory. Raises ZooError (VZ503) if the file cannot be
    written, UsageError (VZ504) for images that PNG cannot show.
    """
    whole = (sheet.count, *sheet.shape)
    writers = {
        "png": lambda: iter([_png(blocks, sheet.columns, sheet.used_scale)]),
        "npy": lambda: _npy(whole, blocks),
        "safetensors": lambda: safetensors_io.encoded_blocks("images", blocks, whole, header),
    }
    try:
        with output(sheet.path) as file:
            file.writelines(writers[sheet.format]())
    except OSError as error:
        raise unwritable(sheet.path, error) from error


def require_sampler(model: VAE, sampler: str, name: str) -> None:
    """Raise UsageError (VZ504) unless the model of the entry ``name`` has such a sampler."""
    if sampler not in model.samplers:
        message = f"{name} has no sampler {sampler!r}"
        hint = suggest(sampler, model.samplers, "samplers")
        raise UsageError(Diagnostic("VZ504", message, hint=hint))


def check_writable(path: Path, format: str, *, force: bool = False) -> None:
    """Raise ZooError (VZ503) if ``path`` cannot be written, by cheap checks.

    A file that is not of ``format`` is only replaced with ``force``.
    """
    try:
        check_output(path, None if force else _CONTENT[format])
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError, what: str = "file") -> ZooError:
    """The error for an output that cannot be written; the hint asks for another file or folder."""
    message = f"cannot write {path}: {error.strerror}"
    return ZooError(Diagnostic("VZ503", message, hint=f"choose another {what} with --out"))


def _too_large(sheet: SampleGrid) -> UsageError:
    message = (
        f"a grid of {sheet.count:,} images at scale {sheet.used_scale} has about "
        f"{sheet.pixels / 1e6:,.0f} million pixels, "
        f"the limit is {_MAX_GRID_PIXELS / 1e6:,.0f} million"
    )
    smaller = "--n" if sheet.scale is None else "--n or --scale"
    hint = f"write --format npy, which takes {in_units(sheet.size)}, or a smaller {smaller}"
    return UsageError(Diagnostic("VZ504", message, hint=hint))


def _png(blocks: Iterable[Tensor], columns: int | None, scale: int) -> bytes:
    import torch

    from vaezoo.data.image_grid import png

    try:
        return png(torch.cat(list(blocks)), columns=columns, scale=scale)
    except ValueError as error:
        hint = "write --format npy or --format safetensors"
        raise UsageError(Diagnostic("VZ504", str(error), hint=hint)) from None


def _npy(shape: tuple[int, ...], blocks: Iterable[Tensor]) -> Iterator[bytes]:
    """The bytes of ``numpy.save`` for the whole array, block by block."""
    from numpy.lib import format as npy

    head = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(head, described)
    return itertools.chain(
        [head.getvalue()], (block.float().cpu().numpy().tobytes() for block in blocks)
    )
