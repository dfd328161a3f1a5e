"""Some test images, in one picture inside the page."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaezoo.registry import ImageData, Split

#: Most images, and most numbers in all of them: the picture stays well under half a megabyte.
_MOST, _NUMBERS = 400, 330_000
#: Images whose posteriors are measured.
_MEASURED = 2000


@dataclass(frozen=True)
class TestImages:
    """The images that a page knows: ``measured`` for its figures, ``shown`` for its strip.

    ``numbers`` are the places of the shown ones in the test split of ``total`` images.
    """

    __test__ = False  # not a class of tests

    measured: Split
    shown: Split
    numbers: Tensor
    total: int
    class_names: tuple[str, ...]
    trained_on: bool = False

    def as_json(self) -> dict[str, Any]:
        """The picture as a data address, and what is in it."""
        images = self.shown.images
        columns = min(len(images), 20)
        labels = self.shown.labels
        return {
            "sprite": _address(_sprite(images, columns)),
            "columns": columns,
            "count": len(images),
            "numbers": self.numbers.tolist(),
            "labels": [-1] * len(images) if labels is None else labels.tolist(),
            "total": self.total,
            "binary": bool(((images == 0) | (images == 255)).all()),
            "trainedOn": self.trained_on,
        }


def choose_test_images(data: ImageData) -> TestImages | None:
    """Images drawn at random with a fixed seed, those to show in order of class.

    None for an empty test split.
    """
    split = data.test
    if not len(split):
        return None
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(0))
    measured = _rows(split, order[:_MEASURED].sort().values)
    most = max(8, min(_MOST, _NUMBERS // math.prod(split.images.shape[1:])))
    numbers = order[:most].sort().values
    if split.labels is not None:
        numbers = numbers[split.labels[numbers].argsort(stable=True)]
    shown = _rows(split, numbers)
    return TestImages(
        measured, shown, numbers, len(split), data.class_names, data.test_is_trained_on
    )


def _rows(split: Split, numbers: Tensor) -> Split:
    return Split(split.images[numbers], None if split.labels is None else split.labels[numbers])


def _sprite(images: Tensor, columns: int) -> bytes:
    from PIL import Image

    count, channels, height, width = images.shape
    rows = math.ceil(count / columns)
    sheet = torch.zeros(channels, rows * height, columns * width, dtype=torch.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * height, index % columns * width
        sheet[:, top : top + height, left : left + width] = image
    if channels == 1:
        picture = Image.fromarray(sheet[0].numpy(), mode="L")
    else:
        picture = Image.fromarray(sheet.permute(1, 2, 0).contiguous().numpy(), mode="RGB")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
