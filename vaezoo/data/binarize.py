"""What is seen of grey images that are binarised: anew in every epoch, or once."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from vaezoo.data.image_batches import Images
from vaezoo.data.memory_mapped import filled, room_for
from vaezoo.registry import Split
from vaezoo.registry.fields import Binarization
from vaezoo.registry.fields.binarization import draw, part_of


def held_out_images(split: Split, how: Binarization) -> Split:
    """What validation looks at of a part of the training split: a draw that never changes."""
    if how.use != "dynamic":
        return split
    return Split(_drawn_once(split.images, how, "validation"), split.labels)


def seen_images(split: Split, how: Binarization) -> Split:
    """One draw of what ``dynamic`` draws anew, to stand for all."""
    if how.use != "dynamic":
        return split
    return Split(_drawn_once(split.images, how, "train"), split.labels)


def epoch_images(images: Images, how: Binarization, generator: torch.Generator) -> Images:
    """What an epoch sees: with ``dynamic``, a draw of its own from the generator.

    It may be written over by the next one.
    """
    return images if how.use != "dynamic" else images.drawn(generator)


def _drawn_once(
    images: Tensor, how: Binarization, purpose: Literal["train", "validation"]
) -> Tensor:
    """As ``Binarization.drawn_once``, of images in host memory or a file: in either."""
    generator, parts = how.generator(purpose), images.split(part_of(images.shape[1:]))
    return filled(room_for(images.shape), (draw(part, generator) for part in parts))
