"""What converts operators of ATen: values that depend on inputs, and a writer of operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vaezoo.explorer.graph import ArrayGraph

Arguments = Sequence[Any]
Options = Mapping[str, Any]


class NotExportable(Exception):
    """A module that cannot become a graph. The text names the operator."""


@dataclass(frozen=True)
class Live:
    """A value that depends on the inputs. ``like`` has its shape and dtype."""

    number: int
    like: Tensor


@dataclass(frozen=True)
class Converter:
    """Appends operations to ``graph``. ``like`` is what the operator returns, without numbers."""

    graph: ArrayGraph
    like: Any

    def add(
        self, kind: str, inputs: Sequence[Any], like: Tensor | None = None, /, **rest: Any
    ) -> Live:
        """Append an operation whose output has the shape and dtype of ``like``."""
        like = self.like if like is None else like
        numbers = tuple(self.number(one) for one in inputs)
        return Live(self.graph.add(kind, numbers, tuple(like.shape), **rest), like)

    def number(self, value: Any) -> int:
        """The number of a value; tensors and numbers become constants."""
        if isinstance(value, Live):
            return value.number
        return self.graph.constant(torch.as_tensor(value))

    def reshaped(self, value: Live, *shape: int) -> Live:
        """The same numbers in another shape."""
        if tuple(value.like.shape) == shape:
            return value
        return self.add("reshape", [value], value.like.new_empty(shape, device="meta"))

    def moved(self, values: Sequence[Any], indices: Tensor, fill: float = 0.0) -> Live:
        """Numbers of ``values``, laid end to end, at flat ``indices``; −1 stands for ``fill``."""
        like = shape_of(*indices.shape)
        first = values[0]
        flat = indices.flatten()
        if (
            len(values) == 1
            and isinstance(first, Live)
            and flat.numel() == first.like.numel()
            and bool((flat == torch.arange(flat.numel())).all())
        ):
            return self.reshaped(first, *indices.shape)
        return self.add("gather", values, like, map=flat, fill=fill)

    def in_rows(self, value: Live, axes: Sequence[int]) -> tuple[Live, tuple[int, ...]]:
        """(outer, inner) with ``axes`` as the inner one, and the shape of the outer ones."""
        shape = tuple(value.like.shape)
        inner = [axis % len(shape) for axis in axes]
        outer = [axis for axis in range(len(shape)) if axis not in inner]
        indices = numbered(value.like).permute(*outer, *inner)
        rows = math.prod(shape[axis] for axis in outer)
        return self.moved([value], indices.reshape(rows, -1)), tuple(shape[a] for a in outer)


Convert = Callable[[Converter, Any, Sequence[Any], dict[str, Any]], Any]


def shape_of(*lengths: int) -> Tensor:
    return torch.empty(lengths, device="meta")


def numbered(like: Tensor, start: int = 0) -> Tensor:
    return torch.arange(start, start + like.numel()).reshape(tuple(like.shape))
