"""What is seen of grey images that are binarised: anew in every epoch, or once."""

from __future__ import annotations

import torch

from vaezoo.fields import Binarization
from vaezoo.fields.binarization import draw
from vaezoo.registry import Split


def held_out_images(split: Split, how: Binarization) -> Split:
    """What validation looks at of a part of the training split: a draw that never changes."""
    if how.use != "dynamic":
        return split
    return Split(how.drawn_once(split.images, "validation"), split.labels)


def seen_images(split: Split, how: Binarization) -> Split:
    """One draw of what ``dynamic`` draws anew, to stand for all."""
    if how.use != "dynamic":
        return split
    return Split(how.drawn_once(split.images, "train"), split.labels)


def epoch_images(split: Split, how: Binarization, generator: torch.Generator) -> Split:
    """What an epoch sees: with ``dynamic``, a draw of its own from the generator."""
    if how.use != "dynamic":
        return split
    return Split(draw(split.images, generator), split.labels)
