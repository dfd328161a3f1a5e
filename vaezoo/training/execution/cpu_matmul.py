"""Fast float32 matrix products on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

#: Relative error of a float32 product of a few hundred terms; bfloat16 is a thousand times worse.
_FLOAT32_ERROR = 2e-6
_SHAPES = ((64, 784, 400), (400, 64, 784), (128, 16, 3136))


@contextmanager
def fast_float32(device: torch.device) -> Iterator[None]:
    """Compute float32 products on a CPU with oneDNN, where that keeps float32 precision.

    PyTorch uses MKL by default, which on some processors reaches half the speed of oneDNN. The
    only setting that selects oneDNN also allows it to round to bfloat16, and it does so on
    processors with matrix units. So the products are first compared with float64, and the
    setting is reverted where they are worse than float32. The choice depends only on the
    processor: a resumed run makes the same one.
    """
    mkldnn: Any = torch.backends.mkldnn  # its settings have no types
    if device.type != "cpu" or not mkldnn.is_available():
        yield
        return
    settings = mkldnn.matmul
    before = settings.fp32_precision
    try:
        settings.fp32_precision = "bf16"
        if largest_error() > _FLOAT32_ERROR:
            settings.fp32_precision = before
        yield
    finally:
        settings.fp32_precision = before


def largest_error() -> float:
    """The largest relative error of a few products against float64, with the current settings."""
    generator = torch.Generator().manual_seed(0)
    errors = []
    for rows, inner, columns in _SHAPES:
        left = torch.randn(rows, inner, generator=generator)
        right = torch.randn(columns, inner, generator=generator)
        exact = left.double() @ right.double().t()
        error = (left @ right.t()).double().sub_(exact).abs().max() / exact.abs().max()
        errors.append(error.item())
    return max(errors)
