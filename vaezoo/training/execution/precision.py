"""In which numbers products are taken: float32, or fewer digits for more speed.

Weights, gradients, the optimizer's state, likelihoods, sums and every figure stay in float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vaezoo.diagnostics import Diagnostic, RunError
from vaezoo.registry.contracts import LossModule
from vaezoo.training.execution.cpu_matmul import fast_float32

Precision = Literal["float32", "tf32", "bfloat16"]

#: The first generation of NVIDIA GPUs that multiplies in tf32 and bfloat16 (Ampere).
_AMPERE = (8, 0)


def chosen(mode: Precision | Literal["auto"], device: torch.device) -> Precision:
    """What ``train.precision`` means on a device: ``auto`` is bfloat16 where that is built in.

    Raises RunError (VZ602) where the device cannot do what is asked for.
    """
    if mode == "auto":
        return "bfloat16" if multiplies_in("bfloat16", device) else "float32"
    if not multiplies_in(mode, device):
        raise RunError(
            Diagnostic(
                "VZ602",
                f"this {device.type} device does not multiply in {mode}",
                hint="set train.precision to float32, or to auto, "
                "which is bfloat16 where the device has it",
            )
        )
    return mode


def multiplies_in(precision: Precision, device: torch.device) -> bool:
    """Whether the device has instructions for it: emulated it would be slower than float32."""
    if precision == "float32":
        return True
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    return device.type == "cpu" and precision == "bfloat16" and _cpu_has_bfloat16()


def _cpu_has_bfloat16() -> bool:
    # x86 tells by name; what PyTorch says of bfloat16 in general includes its emulation there
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in names)


@contextmanager
def products(precision: Precision, device: torch.device) -> Iterator[None]:
    """Inside, float32 products are taken as a run of this precision takes them."""
    with ExitStack() as stack:
        stack.enter_context(fast_float32(device))
        if device.type == "cuda":
            # by default PyTorch rounds convolutions to tf32, and products of matrices not
            stack.enter_context(_rounded_to_tf32(permitted=precision != "float32"))
        yield


@contextmanager
def _rounded_to_tf32(*, permitted: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = permitted
    torch.backends.cudnn.allow_tf32 = permitted
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def lowered(loss: LossModule, precision: Precision) -> LossModule:
    """The loss, whose model multiplies in bfloat16 while it trains if the precision is that."""
    return _Bfloat16Loss(loss) if precision == "bfloat16" else loss


class _Bfloat16Loss(nn.Module):
    """Casts for products and nothing else, and only in training: validation is in float32."""

    def __init__(self, inner: LossModule) -> None:
        super().__init__()
        self.inner = inner

    def forward(
        self,
        model: Any,
        images: Tensor,
        weights: Mapping[str, float],
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=model.training):
            return self.inner(model, images, weights, generator)
