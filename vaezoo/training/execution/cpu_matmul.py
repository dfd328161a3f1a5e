"""Float32 matrix products at the speed that a CPU has."""

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
    """Inside, float32 products on a CPU go to oneDNN where that keeps float32's digits.

    PyTorch asks MKL by default, which on some processors reaches half of oneDNN's speed. The only
    switch to oneDNN also permits it to round to bfloat16, which it does on processors with
    matrix units for that; so products are compared with float64 first, and the switch is
    put back where they are not float32's. The choice depends on the processor alone, so that
    a run and its resumption choose alike.
    """
    mkldnn: Any = torch.backends.mkldnn  # whose settings have no types
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
    """The largest relative error of a few products against float64, as settings are now."""
    generator = torch.Generator().manual_seed(0)
    errors = []
    for rows, inner, columns in _SHAPES:
        left = torch.randn(rows, inner, generator=generator)
        right = torch.randn(columns, inner, generator=generator)
        exact = left.double() @ right.double().t()
        error = (left @ right.t()).double().sub_(exact).abs().max() / exact.abs().max()
        errors.append(error.item())
    return max(errors)
