"""Carry out an ``ArrayGraph`` with PyTorch: the reference for ``engine.js``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vaezoo.explorer.graph import ArrayGraph, Operation


def run_graph(graph: ArrayGraph, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The outputs by name, float32, for one example."""
    values: dict[int, Tensor] = dict(graph.constants)
    for name, number in graph.inputs.items():
        values[number] = inputs[name].float().reshape(graph.shapes[number])
    for operation in graph.operations:
        given = [values[number] for number in operation.inputs]
        shape = graph.shapes[operation.output]
        values[operation.output] = _RUN[operation.kind](operation, given, shape).reshape(shape)
    return {name: values[number] for name, number in graph.outputs.items()}


_Shape = tuple[int, ...]


def _gather(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    flat = torch.cat([one.flatten() for one in given])
    indices = operation.attributes["map"]
    fill = torch.tensor(operation.attributes["fill"])
    return torch.where(indices < 0, fill, flat[indices.clamp(min=0)])


def _rows(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    return given[0][given[1].flatten().long()]


def _unary(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    name, values = operation.attributes["name"], operation.attributes["values"]
    special: Mapping[str, Callable[..., Tensor]] = {
        "leaky_relu": F.leaky_relu,
        "elu": torch.ops.aten.elu.default,
        "softplus": F.softplus,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu,
        "mish": F.mish,
        "hardswish": F.hardswish,
        "hardsigmoid": F.hardsigmoid,
        "log_sigmoid": F.logsigmoid,
        "selu": F.selu,
    }
    function = special.get(name) or getattr(torch, name)
    return function(given[0], *values).float()


_BINARY: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "and": torch.logical_and,
    "or": torch.logical_or,
}


def _binary(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    name = operation.attributes["name"]
    function = _BINARY.get(name) or getattr(torch, name)
    found: Tensor = function(*given)
    return found.float()


def _where(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    return torch.where(given[0] != 0, given[1], given[2])


def _matmul(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    product = given[0] @ given[1]
    return product + given[2] if len(given) > 2 else product


def _conv(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    found: Tensor = F.conv2d(*given, **operation.attributes)  # type: ignore[call-overload]
    return found


def _conv_transpose(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    a = operation.attributes
    extra = [
        shape[2 + i]
        - ((given[0].shape[2 + i] - 1) * a["stride"][i] - 2 * a["padding"][i])
        - a["dilation"][i] * (given[1].shape[2 + i] - 1)
        - 1
        for i in range(2)
    ]
    bias = given[2] if len(given) > 2 else None
    return F.conv_transpose2d(
        given[0], given[1], bias, a["stride"], a["padding"], extra, a["groups"], a["dilation"]
    )


def _reduce(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    name = operation.attributes["name"]
    rows = given[0] != 0 if name in ("any", "all") else given[0]
    found: Tensor = getattr(torch, name)(rows, dim=1)
    return found.float()


def _normalize(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    rows = given[0]
    return F.layer_norm(rows, rows.shape[1:], eps=operation.attributes["epsilon"])


def _reshape(operation: Operation, given: list[Tensor], shape: _Shape) -> Tensor:
    return given[0]


_RUN: Mapping[str, Callable[[Operation, list[Tensor], Any], Tensor]] = {
    "reshape": _reshape,
    "gather": _gather,
    "rows": _rows,
    "unary": _unary,
    "binary": _binary,
    "where": _where,
    "matmul": _matmul,
    "convolve": _conv,
    "convolve_transposed": _conv_transpose,
    "reduce": _reduce,
    "softmax": lambda operation, given, shape: given[0].softmax(1),
    "log_softmax": lambda operation, given, shape: given[0].log_softmax(1),
    "normalize": _normalize,
    "cumsum": lambda operation, given, shape: given[0].cumsum(1),
}
