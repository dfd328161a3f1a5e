"""Matmul precision: float32, tf32 or bfloat16.

Weights, gradients, optimizer state, likelihoods, sums and metrics stay in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.registry.contracts import Batch
from vaezoo.registry.module_contracts import LossModule
from vaezoo.training.execution.cpu_matmul import fast_float32

Precision = Literal["float32", "tf32", "bfloat16"]

#: Compute capability of the first NVIDIA GPUs with tf32 and bfloat16.
_AMPERE = (8, 0)


def resolve_precision(mode: Precision | Literal["auto"], device: torch.device) -> Precision:
    """The precision that ``train.precision`` selects; ``auto`` is bfloat16 where supported.

    Raises RunError (VZ602) where the device does not support it.
    """
    if mode == "auto":
        return "bfloat16" if is_supported("bfloat16", device) else "float32"
    if not is_supported(mode, device):
        raise RunError(
            Diagnostic(
                "VZ602",
                f"this {device.type} device does not support {mode}",
                hint="set train.precision to float32, or to auto, "
                "which uses bfloat16 where it is supported",
            )
        )
    return mode


def is_supported(precision: Precision, device: torch.device) -> bool:
    """Whether the device has instructions for it; emulation is slower than float32."""
    if precision == "float32":
        return True
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    return device.type == "cpu" and precision == "bfloat16" and _cpu_has_bfloat16()


def _cpu_has_bfloat16() -> bool:
    # for x86; PyTorch's public check counts emulation as support
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in names)


@contextmanager
def matmul_precision(precision: Precision, device: torch.device) -> Iterator[None]:
    """Set how float32 products are computed for a run of this precision."""
    with ExitStack() as stack:
        stack.enter_context(fast_float32(device))
        if device.type == "cuda":
            # PyTorch's default is tf32 for convolutions and float32 for matrix products
            stack.enter_context(_tf32(allowed=precision != "float32"))
        yield


@contextmanager
def _tf32(*, allowed: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def with_autocast(loss: LossModule, precision: Precision) -> LossModule:
    """The loss, under bfloat16 autocast in training where the precision is bfloat16."""
    return _Bfloat16Loss(loss) if precision == "bfloat16" else loss


class _Bfloat16Loss(nn.Module):
    """Autocasts in training only: validation stays in float32."""

    def __init__(self, inner: LossModule) -> None:
        super().__init__()
        self.inner = inner

    def forward(
        self,
        model: Any,
        batch: Batch,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=model.training):
            return self.inner(model, batch, weights, generator)
