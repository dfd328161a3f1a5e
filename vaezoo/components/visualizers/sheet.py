"""Paste images into one array, drawn with one ``imshow``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from vaezoo.components.visualizers import page_style
from vaezoo.components.visualizers.page_style import Page

WHITE = 1.0
#: target size of a sheet, in pixels of the file
_WIDTH, _HEIGHT = 900, 1400


def pictures(images: Tensor) -> NDArray[np.float32]:
    """Images (N, C, H, W), uint8 or in [0, 1], as float32 (N, H, W, C) in host memory."""
    if images.shape[1] not in (1, 3):
        raise ValueError(f"cannot draw images with {images.shape[1]} channels; expected 1 or 3")
    unit = images.float().div(255) if images.dtype == torch.uint8 else images.float()
    array: NDArray[np.float32] = unit.permute(0, 2, 3, 1).cpu().numpy()
    return array


def in_rows(images: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """Images (N, H, W, C) as cells (rows, columns, H, W, C), the last row filled with white."""
    rows = -(-len(images) // columns)
    blank = np.full((rows * columns - len(images), *images.shape[1:]), WHITE, images.dtype)
    return np.concatenate([images, blank]).reshape(rows, columns, *images.shape[1:])


@dataclass(frozen=True)
class Sheet:
    """Images in rows and columns on white.

    ``tops`` and ``lefts`` are the positions of rows and columns; ``magnification`` is the number
    of file pixels per pixel.
    """

    pixels: NDArray[np.float32]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    cell_height: int
    cell_width: int
    magnification: float

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1] * self.magnification + 0.5)

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0] * self.magnification + 0.5)

    def row_center(self, row: int) -> float:
        return self.tops[row] + self.cell_height / 2

    def column_center(self, column: int) -> float:
        return self.lefts[column] + self.cell_width / 2

    def show(self, page: Page, left: int = 0, top: int = 0) -> Axes:
        """Draw the sheet on a page; the axes' data units are the sheet's pixels."""
        axes = page.axes(left, top, self.width, self.height)
        rows, columns = self.pixels.shape[:2]
        axes.imshow(
            self.pixels,
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=(0, columns, rows, 0),
            aspect="auto",
            interpolation="nearest" if self.magnification >= 1 else "antialiased",
        )
        axes.set_axis_off()
        return axes

    def number_columns(self, axes: Axes, values: Sequence[float], *, first: int = 0) -> None:
        """Label the columns from ``first`` with numbers, skipping some if they do not fit."""
        names = [page_style.number(value) for value in values]
        pitch = self.magnification * (self.lefts[first + 1] - self.lefts[first])
        stride = math.ceil(1.15 * page_style.widest(names) / pitch)
        for index in range(0, len(names), stride):
            page_style.label_above(axes, self.column_center(first + index), names[index])


def paste(
    cells: NDArray[np.float32],
    *,
    gap: int | None = None,
    wide_after_rows: Sequence[int] = (),
    wide_after_columns: Sequence[int] = (),
) -> Sheet:
    """Paste cells (rows, columns, H, W, C) into a sheet with ``gap`` pixels between them.

    The gap after the given rows and columns is wide.
    """
    rows, columns, height, width, channels = cells.shape
    narrow = max(1, round(max(height, width) / 32)) if gap is None else gap
    wide = 3 * narrow + max(1, height // 14)
    tops, full_height = _places(rows, height, narrow, wide, wide_after_rows)
    lefts, full_width = _places(columns, width, narrow, wide, wide_after_columns)
    canvas = np.full((full_height, full_width, channels), WHITE, np.float32)
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            canvas[top : top + height, left : left + width] = cells[row, column]
    pixels: NDArray[Any] = canvas[:, :, 0] if channels == 1 else canvas
    return Sheet(pixels, tops, lefts, height, width, _magnification(full_width, full_height))


def _places(
    count: int, size: int, narrow: int, wide: int, wide_after: Sequence[int]
) -> tuple[tuple[int, ...], int]:
    places = [0]
    for index in range(count - 1):
        places.append(places[-1] + size + (wide if index in wide_after else narrow))
    return tuple(places), places[-1] + size


def _magnification(width: int, height: int) -> float:
    """An integer for enlarged images, so that all pixels have the same size."""
    ideal = min(_WIDTH / width, _HEIGHT / height)
    return max(1, min(round(ideal), 8)) if ideal > 0.6 else ideal
