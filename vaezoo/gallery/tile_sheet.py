"""Cut images out of a picture of a grid of images, such as an entry's samples.

The picture has a title and margins for reading. A card on the wall has room for the images only.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass

from PIL import Image, ImageChops

#: Limits of a picture that is decoded, and of its tiles.
_MOST_PIXELS, _SMALLEST_TILE, _FEWEST_TILES = 8_000_000, 8, 4
#: The size of a card's picture on the screen and of an image in it, in CSS pixels.
_CARD_WIDTH, _CARD_HEIGHT, _TILE_ON_SCREEN = 290, 174, 56
#: The largest difference of two pixels that count as equal, of 255.
_EQUAL = 2
_WHITE = b"\xff\xff\xff"

Runs = list[tuple[int, int]]


@dataclass(frozen=True)
class CardPicture:
    """A PNG of a few images, and the whole factor to enlarge it by."""

    content: bytes
    width: int
    height: int
    scale: int


def card_picture(content: bytes) -> CardPicture | None:
    """A few of the images in a PNG picture on white, evenly chosen; None if it shows no grid."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return None
            picture = opened.convert("RGB")
    except Exception:  # Pillow raises errors of many kinds for damaged files
        return None
    tiles = _tiles(picture)
    return _arranged(_smallest(tiles)) if len(tiles) >= _FEWEST_TILES else None


def _tiles(picture: Image.Image) -> list[Image.Image]:
    """The images of the largest grid of equal rectangles."""
    rows: dict[tuple[int, int], list[tuple[int, list[int]]]] = {}
    for top, height in _runs(picture):
        if height < _SMALLEST_TILE:
            continue
        band = picture.crop((0, top, picture.width, top + height))
        runs = _runs(band.transpose(Image.Transpose.TRANSPOSE))
        widths = Counter(width for _, width in runs if width >= _SMALLEST_TILE)
        if widths:
            width = max(widths, key=lambda one: (widths[one], one))
            starts = [left for left, one in runs if one == width]
            rows.setdefault((width, height), []).append((top, starts))
    if not rows:
        return []
    size = max(rows, key=lambda one: one[0] * one[1] * sum(len(s) for _, s in rows[one]))
    lefts = sorted({left for _, starts in rows[size] for left in starts})
    corners = [(left, top) for top, _ in rows[size] for left in lefts]
    return [picture.crop((x, y, x + size[0], y + size[1])) for x, y in corners]


def _runs(picture: Image.Image) -> Runs:
    """The starts and lengths of the runs of rows that are not all white."""
    content, stride = picture.tobytes(), 3 * picture.width
    blank = _WHITE * picture.width
    runs, start = [], None
    for row in range(picture.height + 1):
        is_blank = row == picture.height or content[row * stride : (row + 1) * stride] == blank
        if not is_blank and start is None:
            start = row
        elif is_blank and start is not None:
            runs.append((start, row - start))
            start = None
    return runs


def _smallest(tiles: list[Image.Image]) -> list[Image.Image]:
    """The images at their own resolution, if each pixel was drawn as a block of equal ones."""
    width, height = tiles[0].size
    for factor in range(min(width, height) // _SMALLEST_TILE, 1, -1):
        if width % factor == height % factor == 0:
            small = (width // factor, height // factor)
            reduced = [tile.resize(small, Image.Resampling.NEAREST) for tile in tiles]
            if all(map(_is_enlarged, reduced, tiles)):
                return reduced
    return tiles


def _is_enlarged(small: Image.Image, tile: Image.Image) -> bool:
    difference = ImageChops.difference(small.resize(tile.size, Image.Resampling.NEAREST), tile)
    return difference.point(lambda level: 255 if level > _EQUAL else 0).getbbox() is None


def _arranged(tiles: list[Image.Image]) -> CardPicture | None:
    """As many images as a card has room for, with transparent gaps."""
    width, height = tiles[0].size
    scale = max(1, round(_TILE_ON_SCREEN / max(width, height)))
    gap = 1 if scale > 1 else 2
    columns = (_CARD_WIDTH // scale + gap) // (width + gap)
    rows = (_CARD_HEIGHT // scale + gap) // (height + gap)
    if columns < 1 or rows < 1:
        return None
    rows = min(rows, max(1, len(tiles) // columns))
    columns = min(columns, len(tiles))
    size = columns * (width + gap) - gap, rows * (height + gap) - gap
    sheet = Image.new("RGBA", size)
    for place in range(rows * columns):
        tile = tiles[place * len(tiles) // (rows * columns)]
        corner = place % columns * (width + gap), place // columns * (height + gap)
        sheet.paste(tile, corner)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return CardPicture(buffer.getvalue(), *size, scale)
