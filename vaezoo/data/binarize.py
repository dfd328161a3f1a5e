"""Binary images from grey ones: each pixel is white with its grey level as the chance."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vaezoo.fields.binarization import Binarization
from vaezoo.registry import ImageData, Split

#: images to draw at once
_PART = 10_000


def binarized(data: ImageData, how: Binarization) -> ImageData:
    """The data as the protocol has it: every split drawn, or the test split alone.

    With ``dynamic`` the training images stay grey, and ``data.binarization`` tells whoever
    trains on them to draw each batch, see ``draw``, and to draw once what is held out.
    """
    if how.use == "none":
        return data
    train = drawn_once(data.train, how.seed, "train") if how.use == "static" else data.train
    test = drawn_once(data.test, how.seed, "test")
    return replace(data, train=train, test=test, binarization=how)


def drawn_once(split: Split, seed: int, purpose: str) -> Split:
    """A split whose pixels are 0 or 255, the same for the same seed and purpose.

    Drawn on the CPU, so that it does not depend on the device. Images that are binary already
    stay as they are.
    """
    generator = torch.Generator().manual_seed(_stream(seed, purpose))
    parts = []
    for images in split.images.cpu().split(_PART):
        chances = images.to(torch.float32).div_(255)
        parts.append(draw(chances, generator).mul_(255).to(torch.uint8))
    return Split(torch.cat(parts).to(split.images.device), split.labels)


def held_out_images(split: Split, how: Binarization) -> Split:
    """What validation looks at of a part of ``train``: a draw that never changes."""
    return drawn_once(split, how.seed, "validation") if how.use == "dynamic" else split


def seen_images(split: Split, how: Binarization) -> Split:
    """One draw of what ``dynamic`` draws anew at every step."""
    return drawn_once(split, how.seed, "train") if how.use == "dynamic" else split


def draw(chances: Tensor, generator: torch.Generator) -> Tensor:
    """Zeros and ones of the shape of ``chances``, which are in [0, 1]."""
    return torch.bernoulli(chances, generator=generator)


def _stream(seed: int, purpose: str) -> int:
    """Another stream of draws for each split; a fixed map, so that draws stay what they were."""
    return (seed * 4 + {"train": 0, "test": 1, "validation": 2}[purpose]) % 2**63
