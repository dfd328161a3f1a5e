"""Figures as small PNG files, the same bytes for the same picture."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vaezoo.plotting.style import INK, MUTED, house_rules

#: what a picture should stay under, in bytes
AIM = 120_000
#: the error, of 255, that nobody sees, and the pixels a side of the areas it is measured on
_INVISIBLE, _AREA = 1.2, 4
_PALETTES = (256, 128, 64, 48, 32)
#: share of a palette that is left to the colours of flat areas, as they are: white, the marks
#: of a legend
_EXACT = 0.25
_TYPE = [int(colour[1:], 16) for colour in (INK, MUTED)]


def png(figure: Figure) -> bytes:
    """A figure as the bytes of an optimised PNG file, at the figure's own resolution.

    Colours are reduced to a palette where that cannot be seen.
    """
    picture = _rendered(figure)
    if picture.getcolors(256) is not None:
        return _encoded(picture.quantize(256, dither=Image.Dither.NONE), figure.dpi)
    best = _encoded(picture, figure.dpi)
    for colours in _PALETTES:
        reduced = _reduced(picture, colours)
        if _error(picture, reduced) > _INVISIBLE:
            break
        best = min(best, _encoded(reduced, figure.dpi), key=len)
        if len(best) <= AIM:
            break
    return best


def _rendered(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    with house_rules():
        figure.savefig(buffer, format="rgba", dpi=figure.dpi)
    size = figure.canvas.get_width_height()
    return Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")


def _reduced(picture: Image.Image, colours: int) -> Image.Image:
    """The picture in so many colours, those of its largest flat areas and of the type unchanged."""
    pixels = np.asarray(picture)
    keys = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    values, where, counts = np.unique(keys, return_inverse=True, return_counts=True)
    distinct = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1)
    flat = np.bincount(where.reshape(keys.shape)[_is_flat(keys)], minlength=len(values))
    flat[np.isin(values, _TYPE)] += keys.size
    exact = np.argsort(-flat, kind="stable")[: int(colours * _EXACT)]
    others = np.setdiff1d(np.arange(len(values)), exact)
    # By the square root of its frequency: what is rare must stay recognisable too.
    weights = np.ceil(np.sqrt(counts[others])).astype(np.int64)
    palette = np.concatenate(
        [distinct[exact], _median_cut(np.repeat(distinct[others], weights, axis=0), colours)]
    )[:colours]
    # Each distinct colour to the nearest of the palette; Pillow's own search is approximate.
    squared = (palette**2).sum(1) - 2 * distinct @ palette.T
    indices = squared.argmin(1).astype(np.uint8)[where].reshape(keys.shape)
    reduced = Image.frombytes("P", picture.size, indices.tobytes())
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


def _is_flat(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a pixel's four neighbours have its colour."""
    padded = np.pad(keys, 1, constant_values=-1)
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    flat: NDArray[np.bool_] = np.logical_and.reduce([neighbour == keys for neighbour in around])
    return flat


def _median_cut(pixels: NDArray[np.int64], colours: int) -> NDArray[np.int64]:
    kept = colours - int(colours * _EXACT)
    strip = Image.fromarray(pixels.astype(np.uint8)[None])
    palette = strip.quantize(kept, dither=Image.Dither.NONE).getpalette()
    return np.array(palette, np.int64).reshape(-1, 3)[:kept]


def _error(picture: Image.Image, reduced: Image.Image) -> float:
    """The root of the mean squared error of areas: the eye averages over single pixels, but
    sees a whole area that has changed its colour."""
    difference = np.asarray(picture, np.float32) - np.asarray(reduced.convert("RGB"), np.float32)
    rows, columns = (size // _AREA for size in difference.shape[:2])
    areas = difference[: rows * _AREA, : columns * _AREA].reshape(rows, _AREA, columns, _AREA, 3)
    return float(np.sqrt(np.mean(areas.mean((1, 3)) ** 2)))


def _encoded(picture: Image.Image, dpi: float) -> bytes:
    # Only what depends on the picture: no library version, no date.
    information = PngInfo()
    information.add_text("Software", "vaezoo")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, dpi=(dpi, dpi), pnginfo=information)
    return buffer.getvalue()
