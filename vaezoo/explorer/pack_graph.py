"""Write an ``ArrayGraph`` as JSON and bytes, with large constants in half precision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from vaezoo.explorer.graph import ArrayGraph

#: Constants of fewer numbers stay float32: biases cost little and matter much.
_SMALL = 1024
#: Largest number of runs, as a share of the indices that they replace.
_RUNS = 0.25


@dataclass
class PackedWeights:
    """Numbers of all graphs of a page, one after another."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def append(self, kind: str, values: Tensor) -> list[Any]:
        """Add numbers; their kind, first byte and count."""
        data = values.contiguous().numpy().tobytes()
        data += bytes(-len(data) % 8)  # typed arrays start at multiples of their element's size
        offset, self.size = self.size, self.size + len(data)
        self.parts.append(data)
        return [kind, offset, values.numel()]

    def bytes(self) -> bytes:
        """All of them."""
        return b"".join(self.parts)


def in_half_precision(graph: ArrayGraph) -> ArrayGraph:
    """The graph with its large constants rounded to float16, where they are in its range."""
    rounded = {
        number: one.half().float() if _is_halved(one) else one
        for number, one in graph.constants.items()
    }
    return replace(graph, constants=rounded)


def pack(graph: ArrayGraph, weights: PackedWeights) -> dict[str, Any]:
    """The JSON form of a graph; its numbers are appended to ``weights``.

    Numbers that float16 holds exactly are stored in it.
    """
    constants = {}
    for number, one in graph.constants.items():
        halved = _is_halved(one) and bool((one.half().float() == one).all())
        constants[str(number)] = weights.append(
            "f16" if halved else "f32", one.half() if halved else one
        )
    operations = []
    for operation in graph.operations:
        attributes = dict(operation.attributes)
        if "map" in attributes:
            attributes["map"] = _indices(attributes["map"], weights)
        operations.append([operation.kind, list(operation.inputs), operation.output, attributes])
    return {
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "shapes": [list(shape) for shape in graph.shapes],
        "constants": constants,
        "operations": operations,
    }


def _is_halved(values: Tensor) -> bool:
    return values.numel() >= _SMALL and bool(values.abs().max() < torch.finfo(torch.half).max)


def _indices(indices: Tensor, weights: PackedWeights) -> dict[str, Any]:
    runs = _runs(indices.tolist(), int(_RUNS * len(indices)) + 8)
    if runs is not None:
        return {"runs": runs}
    return {"part": weights.append("i32", indices.int())}


def _runs(indices: list[int], most: int) -> list[int] | None:
    """(first, step, count) of each stretch of evenly spaced indices; None if they are many."""
    found: list[int] = []
    at = 0
    while at < len(indices):
        step = indices[at + 1] - indices[at] if at + 1 < len(indices) else 1
        end = at + 1
        while end < len(indices) and indices[end] - indices[end - 1] == step:
            end += 1
        found += [indices[at], step, end - at]
        if len(found) > 3 * most:
            return None
        at = end
    return found
