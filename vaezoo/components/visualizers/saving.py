"""Figures as small PNG files, the same bytes for the same picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

#: what a picture should stay under, in bytes
AIM = 120_000
#: fewer colours are taken where the root of the mean squared error stays below this, of 255
_INVISIBLE = 2.0
_PALETTES = (256, 128, 64, 48, 32)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as an optimised PNG at the figure's own resolution.

    Colours are reduced to a palette where that cannot be seen.
    """
    path.write_bytes(png(figure))


def png(figure: Figure) -> bytes:
    """``save`` in memory."""
    picture = _rendered(figure)
    dpi = figure.dpi
    if picture.getcolors(256) is not None:
        return _encoded(picture.convert("P", palette=Image.Palette.ADAPTIVE), dpi)
    best = _encoded(picture, dpi)
    for colours in _PALETTES:
        reduced = picture.quantize(colours, dither=Image.Dither.NONE)
        if _error(picture, reduced) > _INVISIBLE:
            break
        best = min(best, _encoded(reduced, dpi), key=len)
        if len(best) <= AIM:
            break
    return best


def _rendered(figure: Figure) -> Image.Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    grey = bool((pixels == pixels[:, :, :1]).all())
    return Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))


def _error(picture: Image.Image, reduced: Image.Image) -> float:
    before = np.asarray(picture, dtype=np.float32)
    after = np.asarray(reduced.convert(picture.mode), dtype=np.float32)
    return float(np.sqrt(np.mean((before - after) ** 2)))


def _encoded(picture: Image.Image, dpi: float) -> bytes:
    # Only what depends on the picture: no library version, no date.
    information = PngInfo()
    information.add_text("Software", "vaezoo")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, dpi=(dpi, dpi), pnginfo=information)
    return buffer.getvalue()
