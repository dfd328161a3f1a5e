"""The arithmetic of stacked convolutions, shared by the conv encoder and its mirror."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError


def _whole_or_list(value: Any) -> Any:
    """One number for all layers, or one for each; anything else is said to be neither."""
    items = value if isinstance(value, list | tuple) else (value,)
    if all(isinstance(item, int) and not isinstance(item, bool) and item >= 1 for item in items):
        return tuple(items)
    raise PydanticCustomError(
        "vaezoo_per_layer",
        "a whole number of at least 1, or a list of them, belongs here",
        {"hint": "write one number for all layers, such as 3, or one for each, such as [4, 3]"},
    )


_AtLeastOne = Annotated[int, Field(ge=1)]
#: A whole number for every layer, or a list with one for each.
PerLayer = Annotated[
    tuple[int, ...],
    BeforeValidator(_whole_or_list, json_schema_input_type=_AtLeastOne | tuple[_AtLeastOne, ...]),
]
#: Widths of layers that may be none, each at least 1.
OptionalWidths = tuple[_AtLeastOne, ...]
#: Widths of layers: at least one, each at least 1.
Widths = Annotated[OptionalWidths, Field(min_length=1)]


def per_layer(values: tuple[int, ...], layers: int) -> tuple[int, ...]:
    """``values`` with one for each layer."""
    return values * layers if len(values) == 1 else values


def length_problem(name: str, values: tuple[int, ...], layers: int) -> str | None:
    """Why ``values`` does not fit the number of layers, if so."""
    if len(values) in (1, layers):
        return None
    return f"{name} has {len(values)} numbers for {layers} layers"


def downsampled(size: int, kernels: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """The size of an edge before and after each convolution with padding (kernel − 1) // 2.

    A size of 0 or less means that the image has become too small for the next kernel.
    """
    sizes = [size]
    for kernel, stride in zip(kernels, strides, strict=True):
        padding = (kernel - 1) // 2
        sizes.append((sizes[-1] + 2 * padding - kernel) // stride + 1)
    return sizes
