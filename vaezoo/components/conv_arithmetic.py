"""Sizes of stacked convolutions, shared by the encoder ``conv`` and its mirror."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError


def _integer_or_list(value: Any) -> Any:
    """Accept one integer for all layers, or a list with one for each."""
    items = value if isinstance(value, list | tuple) else (value,)
    if all(isinstance(item, int) and not isinstance(item, bool) and item >= 1 for item in items):
        return tuple(items)
    raise PydanticCustomError(
        "vaezoo_per_layer",
        "must be an integer of at least 1, or a list of them",
        {"hint": "write one integer for all layers, such as 3, or one for each, such as [4, 3]"},
    )


_AtLeastOne = Annotated[int, Field(ge=1)]
#: An integer for all layers, or a list with one for each.
PerLayer = Annotated[
    tuple[int, ...],
    BeforeValidator(_integer_or_list, json_schema_input_type=_AtLeastOne | tuple[_AtLeastOne, ...]),
]
#: Widths of layers, possibly none, each at least 1.
OptionalWidths = tuple[_AtLeastOne, ...]
#: Widths of at least one layer, each at least 1.
Widths = Annotated[OptionalWidths, Field(min_length=1)]


def per_layer(values: tuple[int, ...], layers: int) -> tuple[int, ...]:
    """One value for each layer."""
    return values * layers if len(values) == 1 else values


def length_problem(name: str, values: tuple[int, ...], layers: int) -> str | None:
    """The problem if ``values`` does not fit the number of layers, else None."""
    if len(values) in (1, layers):
        return None
    return f"{name} has {len(values)} values for {layers} layers"


def downsampled(size: int, kernels: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """The edge length before and after each convolution with padding (kernel − 1) // 2.

    A length of 0 or less means that the image is too small for the next kernel.
    """
    sizes = [size]
    for kernel, stride in zip(kernels, strides, strict=True):
        padding = (kernel - 1) // 2
        sizes.append((sizes[-1] + 2 * padding - kernel) // stride + 1)
    return sizes


def grid_problem(latents: Sequence[int], grid: Sequence[int]) -> str | None:
    """Why a grid of latents does not fit that of the layers, else None."""
    if tuple(latents) == tuple(grid):
        return None
    wanted, found = ("×".join(map(str, shape)) for shape in (latents, grid))
    return (
        f"the layers have a grid of {found}, but the latents one of {wanted}; "
        "change the strides or the latents, or add dense layers"
    )
