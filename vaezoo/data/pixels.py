"""Convert stored pixels to model inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from vaezoo.registry import Batch


def to_unit(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1]; float images as float32, unchanged."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32).div_(255)
    return images.to(torch.float32)


def as_unit(batch: Batch) -> Batch:
    """The batch with its images as float32 in [0, 1]."""
    return batch._replace(images=to_unit(batch.images))
