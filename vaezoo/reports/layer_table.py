"""The model as built: its layers in the order in which an image passes them."""

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
    """A module that holds no others, or parameters that stand in one by themselves.

    ``shape`` is that of one example's output; None for what is not called in passing.
    """

    part: str
    name: str
    shape: tuple[int, ...] | None
    parameters: int


def layers_of(model: VAE) -> list[Layer]:
    """Every layer once; their parameters add up to those of the model.

    One blank image is sent through encoder, decoder and likelihood.
    """
    passed = _passed(model)
    names = {module: name.rpartition(".")[2] for name, module in model.named_modules()}
    found: list[Layer] = []
    counted: set[int] = set()
    for part in _PARTS:
        module: nn.Module = getattr(model, part)
        order = [*passed, *(m for m in module.modules() if m not in passed)]
        inside = set(module.modules())
        for one in (m for m in order if m in inside):
            own = [p for p in one.parameters(recurse=False) if id(p) not in counted]
            counted |= {id(p) for p in own}
            size = sum(p.numel() for p in own)
            is_layer = one in passed and not list(one.children())
            is_told = is_layer and one is not module and not isinstance(one, nn.Sequential)
            if size or is_told:
                name = _described(one, names[one] if size else "")
                found.append(Layer(part, name, passed[one] if is_layer else None, size))
    return found


def compact(layers: list[Layer]) -> list[Layer]:
    """Layers without parameters that leave the shape as it is are told with the one before."""
    told: list[Layer] = []
    for layer in layers:
        before = told[-1] if told else None
        if (
            before
            and not layer.parameters
            and (layer.part, layer.shape) == (before.part, before.shape)
        ):
            told[-1] = Layer(
                before.part, f"{before.name}, {layer.name}", before.shape, before.parameters
            )
        else:
            told.append(layer)
    return told


@torch.inference_mode()
def _passed(model: VAE) -> dict[nn.Module, tuple[int, ...] | None]:
    """The modules that an image passes, in order, each with its first output's shape."""
    shapes: dict[nn.Module, tuple[int, ...] | None] = {}

    def remember(module: nn.Module, _: Any, output: Any) -> None:
        shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else None
        shapes.setdefault(module, shape)

    hooks = [module.register_forward_hook(remember) for module in model.modules()]
    try:
        blank = torch.zeros(1, *model.image_shape, device=model.device)
        model.decode(model.encode(blank))
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def _described(module: nn.Module, name: str) -> str:
    """``Conv2d 3×3 stride 2`` and the like: the class, what shapes its output, and what its
    owner calls it where that is a word."""
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
