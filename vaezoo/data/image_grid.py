"""Grids of images as PNG."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaezoo.data.grid_layout import grid_columns

if TYPE_CHECKING:
    from PIL.Image import Image


def grid(images: Tensor, *, columns: int | None = None, scale: int = 2, padding: int = 2) -> Image:
    """Float images (N, C, H, W) in [0, 1] as one picture; C is 1 (gray) or 3 (color).

    ``columns`` defaults to ``grid_columns``. Each pixel becomes ``scale`` × ``scale`` pixels;
    ``padding`` white pixels separate the images.
    """
    from PIL import Image

    count, channels, height, width = images.shape
    columns = min(count, columns or grid_columns(count))
    rows = math.ceil(count / columns)
    pixels = (images.cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    pixels = pixels.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    step_y, step_x = height * scale + padding, width * scale + padding
    canvas = torch.full((channels, rows * step_y + padding, columns * step_x + padding), 255)
    canvas = canvas.to(torch.uint8)
    for index, image in enumerate(pixels):
        top, left = padding + index // columns * step_y, padding + index % columns * step_x
        canvas[:, top : top + height * scale, left : left + width * scale] = image
    if channels == 1:
        return Image.fromarray(canvas[0].numpy(), mode="L")
    if channels == 3:
        return Image.fromarray(canvas.permute(1, 2, 0).contiguous().numpy(), mode="RGB")
    raise ValueError(f"images have {channels} channels, expected 1 or 3")


def png(images: Tensor, *, columns: int | None = None, scale: int = 2) -> bytes:
    """``grid`` as the bytes of a PNG file."""
    buffer = io.BytesIO()
    grid(images, columns=columns, scale=scale).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
