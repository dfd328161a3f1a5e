"""Binarize grayscale images: once, or with new draws in every epoch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images
from vaezoo.data.memory_mapped import allocate, fill
from vaezoo.registry import Split
from vaezoo.registry.fields import Binarization
from vaezoo.registry.fields.binarization import draw, part_of


def held_out_images(split: Split, how: Binarization) -> Split:
    """The validation split; with ``dynamic``, drawn once."""
    if how.use != "dynamic":
        return split
    return Split(_drawn_once(split.images, how, "validation"), split.labels)


def seen_images(split: Split, how: Binarization) -> Split:
    """The training split; with ``dynamic``, one draw of it."""
    if how.use != "dynamic":
        return split
    return Split(_drawn_once(split.images, how, "train"), split.labels)


def epoch_images(images: Images, how: Binarization, generator: torch.Generator) -> Images:
    """The images of an epoch; with ``dynamic``, a new draw, which overwrites the last one."""
    return images if how.use != "dynamic" else images.drawn(generator)


def _drawn_once(
    images: Tensor, how: Binarization, purpose: Literal["train", "validation"]
) -> Tensor:
    """Like ``Binarization.drawn_once``; the result is in host memory or in a file."""
    generator, parts = how.generator(purpose), images.split(part_of(images.shape[1:]))
    return fill(allocate(images.shape), (draw(part, generator) for part in parts))
