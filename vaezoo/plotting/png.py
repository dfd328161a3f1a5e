"""Encode figures as small, reproducible PNG files."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vaezoo.plotting.style import INK, MUTED, plot_style

#: target size of a file, in bytes
TARGET_SIZE = 120_000
#: invisible error, of 255, and the side of the squares to measure it on, in pixels
_INVISIBLE, _AREA = 1.2, 4
_PALETTES = (256, 128, 64, 48, 32)
#: fraction of a palette for exact colors of flat areas, such as white and legend marks
_EXACT = 0.25
_TEXT_COLORS = [int(color[1:], 16) for color in (INK, MUTED)]


def png(figure: Figure) -> bytes:
    """Encode a figure as an optimized PNG file, at the figure's resolution.

    Reduces colors to a palette if the difference is invisible.
    """
    picture = _rendered(figure)
    if picture.getcolors(256) is not None:
        return _encoded(picture.quantize(256, dither=Image.Dither.NONE), figure.dpi)
    best = _encoded(picture, figure.dpi)
    for colors in _PALETTES:
        reduced = _reduced(picture, colors)
        if _error(picture, reduced) > _INVISIBLE:
            break
        best = min(best, _encoded(reduced, figure.dpi), key=len)
        if len(best) <= TARGET_SIZE:
            break
    return best


def _rendered(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    with plot_style():
        figure.savefig(buffer, format="rgba", dpi=figure.dpi)
    size = figure.canvas.get_width_height()
    return Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")


def _reduced(picture: Image.Image, colors: int) -> Image.Image:
    """Reduce the number of colors, keeping those of the largest flat areas and of text."""
    pixels = np.asarray(picture)
    keys = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    values, where, counts = np.unique(keys, return_inverse=True, return_counts=True)
    distinct = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1)
    flat = np.bincount(where.reshape(keys.shape)[_is_flat(keys)], minlength=len(values))
    flat[np.isin(values, _TEXT_COLORS)] += keys.size
    exact = np.argsort(-flat, kind="stable")[: int(colors * _EXACT)]
    others = np.setdiff1d(np.arange(len(values)), exact)
    # weight by the square root of the frequency, so that rare colors stay recognizable
    weights = np.ceil(np.sqrt(counts[others])).astype(np.int64)
    palette = np.concatenate(
        [distinct[exact], _median_cut(np.repeat(distinct[others], weights, axis=0), colors)]
    )[:colors]
    # map each color to the nearest of the palette; Pillow's search is approximate
    squared = (palette**2).sum(1) - 2 * distinct @ palette.T
    indices = squared.argmin(1).astype(np.uint8)[where].reshape(keys.shape)
    reduced = Image.frombytes("P", picture.size, indices.tobytes())
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


def _is_flat(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a pixel's four neighbors have its color."""
    padded = np.pad(keys, 1, constant_values=-1)
    neighbors = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    flat: NDArray[np.bool_] = np.logical_and.reduce([neighbor == keys for neighbor in neighbors])
    return flat


def _median_cut(pixels: NDArray[np.int64], colors: int) -> NDArray[np.int64]:
    kept = colors - int(colors * _EXACT)
    strip = Image.fromarray(pixels.astype(np.uint8)[None])
    palette = strip.quantize(kept, dither=Image.Dither.NONE).getpalette()
    return np.array(palette, np.int64).reshape(-1, 3)[:kept]


def _error(picture: Image.Image, reduced: Image.Image) -> float:
    """The RMS error of small squares: the eye averages over pixels, but sees changed areas."""
    difference = np.asarray(picture, np.float32) - np.asarray(reduced.convert("RGB"), np.float32)
    rows, columns = (size // _AREA for size in difference.shape[:2])
    areas = difference[: rows * _AREA, : columns * _AREA].reshape(rows, _AREA, columns, _AREA, 3)
    return float(np.sqrt(np.mean(areas.mean((1, 3)) ** 2)))


def _encoded(picture: Image.Image, dpi: float) -> bytes:
    # no library version or date, for reproducible bytes
    information = PngInfo()
    information.add_text("Software", "vaezoo")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, dpi=(dpi, dpi), pnginfo=information)
    return buffer.getvalue()
