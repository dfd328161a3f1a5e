"""Decode picture files of any pixel format into images."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.registry import ImageShape

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

#: Pillow's modes with 16 bits per pixel; before version 11 it used "I"
_16_BIT_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
#: formats that Pillow opens as "I" for 16 bits per pixel
_16_BIT_FORMATS = frozenset({"PNG", "PPM"})
_RANGE = 65535
#: tags of a TIFF, and values of them
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_SAMPLE_FORMAT, _SIGNED = 339, 2

SIXTEEN_BITS = "with 16 bits per pixel: scaled from 0–65,535 to 0–255"
TRANSPARENT = "with transparency: composited over {background} (see `background`)"
FRAMES = "with several frames or pages: the first is used"
CMYK = "in CMYK: converted to RGB without a color profile"


class Unusable(Exception):
    """Why a picture cannot be used; the text continues the file's name."""


@dataclass(frozen=True)
class Form:
    """The shape of images, and the color behind transparent parts."""

    shape: ImageShape
    background: str


@dataclass(frozen=True)
class Decoded:
    """All pictures (N, C, H, W) uint8, counts of conversions, and unusable files with reasons."""

    images: Tensor
    notes: Counter[str]
    unusable: tuple[tuple[Path, str], ...]


def decode_all(paths: Sequence[Path], form: Form) -> Decoded:
    """Decode all pictures in threads; an unusable one gives a blank image and a reason.

    Threads are faster because Pillow releases the GIL.
    """
    import torch

    images = torch.zeros((len(paths), *form.shape), dtype=torch.uint8)
    notes: Counter[str] = Counter()
    unusable = []

    def one(path: Path) -> tuple[Tensor, list[str]] | Unusable:
        try:
            return decode(path, form)
        except Unusable as reason:
            return reason

    # vaezoo reports or rejects what Pillow warns about
    with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
        warnings.simplefilter("ignore")
        for path, image, found in zip(paths, images, pool.map(one, paths), strict=True):
            if isinstance(found, Unusable):
                unusable.append((path, str(found)))
            else:
                image.copy_(found[0])
                notes.update(found[1])
    return Decoded(images, notes, tuple(unusable))


def decode(path: Path, form: Form) -> tuple[Tensor, list[str]]:
    """Crop the center and resize: (C, H, W) uint8; also return the conversions.

    Raises Unusable for a file that is damaged or whose range of values is unknown.
    """
    import torch
    from PIL import Image, ImageOps, UnidentifiedImageError

    shape = form.shape
    try:
        if not path.stat().st_size:
            raise Unusable("is empty")
        with Image.open(path) as file:
            notes = [FRAMES] if getattr(file, "n_frames", 1) > 1 else []
            if file.mode not in ("I", "F") and _is_signed(file):
                raise Unusable(f"has signed pixels{_SAVE}")
            upright = ImageOps.exif_transpose(file)
            picture, done = _in_bytes(upright, file.format, form)
            if done == [SIXTEEN_BITS] and _is_white_zero(file):
                picture = ImageOps.invert(picture)
            fitted = ImageOps.fit(picture, (shape.width, shape.height), Image.Resampling.LANCZOS)
    except Unusable:
        raise
    except UnidentifiedImageError:
        raise Unusable("is damaged, or has a format that Pillow cannot read") from None
    except Exception as error:  # Pillow's readers raise many kinds of error for a damaged file
        raise Unusable(f"cannot be read: {' '.join(str(error).split())}") from error
    pixels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8)
    image = pixels.view(shape.height, shape.width, shape.channels).permute(2, 0, 1)
    return image, [*notes, *done]


def _in_bytes(file: Image.Image, format: str | None, form: Form) -> tuple[Image.Image, list[str]]:
    """Convert to gray or RGB with 8 bits per channel; also return the conversions."""
    mode = "L" if form.shape.channels == 1 else "RGB"
    kind = file.mode
    if kind in _16_BIT_MODES or (kind == "I" and format in _16_BIT_FORMATS):
        return _from_16_bits(file, form).convert(mode), [SIXTEEN_BITS]
    if kind == "I":
        raise Unusable(f"has 32-bit integer pixels{_SAVE}")
    if kind == "F":
        raise Unusable(f"has floating-point pixels{_SAVE}")
    if kind in ("LA", "RGBA", "La", "RGBa", "PA") or "transparency" in file.info:
        opaque = _composited(file, form.background)
        if opaque is not None:
            return opaque.convert(mode), [TRANSPARENT.format(background=form.background)]
    return file.convert(mode), [CMYK] if kind == "CMYK" else []


def _is_signed(file: Image.Image) -> bool:
    """Whether a TIFF stores signed integers, which Pillow reads as unsigned ones."""
    formats = getattr(file, "tag_v2", {}).get(_SAMPLE_FORMAT, ())
    return _SIGNED in (formats if isinstance(formats, tuple) else (formats,))


def _is_white_zero(file: Image.Image) -> bool:
    """Whether a TIFF counts from white to black; Pillow inverts only those of 8 bits."""
    return bool(getattr(file, "tag_v2", {}).get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


_SAVE = " of unknown range: save it with 8 or 16 bits per pixel"


def _from_16_bits(file: Image.Image, form: Form) -> Image.Image:
    """Scale gray levels from 0–65,535 to 0–255, rounded."""
    import numpy as np
    from PIL import Image

    values = np.asarray(file).astype(np.int64).clip(0, _RANGE)
    gray = Image.fromarray(((values * 255 + _RANGE // 2) // _RANGE).astype(np.uint8))
    clear = file.info.get("transparency")
    if isinstance(clear, int):
        gray.paste(form.background, mask=Image.fromarray(((values == clear) * 255).astype("u1")))
    return gray


def _composited(file: Image.Image, background: str) -> Image.Image | None:
    """Composite the picture over a background; None if every pixel is opaque."""
    from PIL import Image

    direct = {"La": "LA", "RGBa": "RGBA"}.get(file.mode)
    picture = (file.convert(direct) if direct else file).convert("RGBA")
    if picture.getchannel("A").getextrema() == (255, 255):
        return None
    ground = Image.new("RGBA", picture.size, background)
    return Image.alpha_composite(ground, picture)
