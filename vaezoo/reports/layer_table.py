"""The layers of a model, in the order of its forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vaezoo.model import VAE

_PARTS = ("encoder", "decoder", "likelihood", "prior")


@dataclass(frozen=True)
class Layer:
    """A module without submodules, or the parameters that a module owns directly.

    ``shape`` is the output shape of one example; None if the forward pass does not call the module.
    """

    part: str
    name: str
    shape: tuple[int, ...] | None
    parameters: int


def layers_of(model: VAE) -> list[Layer]:
    """Each layer once; their parameters add up to the model's.

    Passes one blank image through encoder, decoder and likelihood.
    """
    called = _called(model)
    names = {module: name.rpartition(".")[2] for name, module in model.named_modules()}
    found: list[Layer] = []
    counted: set[int] = set()
    for part in _PARTS:
        module: nn.Module = getattr(model, part)
        order = [*called, *(m for m in module.modules() if m not in called)]
        inside = set(module.modules())
        for one in (m for m in order if m in inside):
            own = [p for p in one.parameters(recurse=False) if id(p) not in counted]
            counted |= {id(p) for p in own}
            size = sum(p.numel() for p in own)
            is_layer = one in called and not list(one.children())
            is_listed = is_layer and one is not module and not isinstance(one, nn.Sequential)
            if size or is_listed:
                name = _described(one, names[one] if size else "")
                found.append(Layer(part, name, called[one] if is_layer else None, size))
    return found


def compact(layers: list[Layer]) -> list[Layer]:
    """Merge each layer without parameters that keeps the shape into the layer before it."""
    merged: list[Layer] = []
    for layer in layers:
        before = merged[-1] if merged else None
        if (
            before
            and not layer.parameters
            and (layer.part, layer.shape) == (before.part, before.shape)
        ):
            merged[-1] = Layer(
                before.part, f"{before.name}, {layer.name}", before.shape, before.parameters
            )
        else:
            merged.append(layer)
    return merged


@torch.inference_mode()
def _called(model: VAE) -> dict[nn.Module, tuple[int, ...] | None]:
    """The called modules in order, each with the shape of its first output."""
    shapes: dict[nn.Module, tuple[int, ...] | None] = {}

    def remember(module: nn.Module, _: Any, output: Any) -> None:
        shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else None
        shapes.setdefault(module, shape)

    hooks = [module.register_forward_hook(remember) for module in model.modules()]
    try:
        blank = torch.zeros(1, *model.image_shape, device=model.device)
        model.reconstruct(blank, torch.zeros(1, dtype=torch.int64))
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def _described(module: nn.Module, name: str) -> str:
    """Such as ``Conv2d 3×3 stride 2``: the class, its settings, and its attribute name."""
    words = [type(module).__name__, *_settings(module)]
    if name and not name.isdigit():
        words.append(f"({name})")
    return " ".join(words)


def _settings(module: nn.Module) -> Iterator[str]:
    kernel = getattr(module, "kernel_size", None)
    if isinstance(kernel, tuple):
        yield "×".join(map(str, kernel))
    stride = getattr(module, "stride", None)
    if isinstance(stride, tuple) and set(stride) != {1}:
        yield f"stride {stride[0]}"
