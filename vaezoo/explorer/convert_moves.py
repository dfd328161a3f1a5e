"""Operators that move, copy or look up numbers.

Those that only move numbers, such as permute, slice, cat or pad, are carried out on arrays of
indices. All of them become one operation, ``gather``, with the indices that come out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx.node import map_aggregate
from torch.nn import functional as F

from vaezoo.explorer.operator_converter import (
    Arguments,
    Converter,
    Live,
    NotExportable,
    Options,
    numbered,
    shape_of,
)


def move(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """Any operator that only moves numbers, carried out on indices."""
    sources: list[Any] = []
    start = 0

    def index(value: Any) -> Any:
        nonlocal start
        if not isinstance(value, Live):
            return value
        sources.append(value)
        start += value.like.numel()
        # as float64, which is exact: some operators do not take integers
        return numbered(value.like, start - value.like.numel()).double()

    return _indexed(c, target, sources, map_aggregate((list(arguments), options), index))


def _indexed(c: Converter, target: Any, sources: list[Any], call: Any) -> Any:
    arguments, options = call
    found = target(*arguments, **options)
    if isinstance(found, Tensor):
        return c.moved(sources, found.long())
    return [c.moved(sources, one.long()) for one in found]


def combine(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """Movers whose float tensors are all sources, constants too: cat, index_put, select_scatter."""

    def source(value: Any) -> Any:
        is_index = isinstance(value, Tensor) and not value.dtype.is_floating_point
        if isinstance(value, Tensor) and not is_index:
            return Live(c.graph.constant(value), value)
        return value

    lifted, named = map_aggregate((list(arguments), options), source)
    return move(c, target, lifted, named)


def pad(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, sizes, *rest = arguments
    fill = float(rest[0]) if rest else 0.0
    return c.moved([value], F.pad(numbered(value.like), sizes, value=-1), fill)


def index(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, indices = arguments
    if not any(isinstance(one, Live) for one in indices):
        return move(c, target, arguments, options)
    if len(indices) != 1 or not isinstance(indices[0], Live):
        raise NotExportable("index by several computed indices")
    return rows(c, target, [value, indices[0]], options)


def rows(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    table, indices = arguments[:2]
    like = table.like if isinstance(table, Live) else table
    rows, width = like.shape[0], like.numel() // like.shape[0]
    flat = c.reshaped(table, rows, width) if isinstance(table, Live) else table.reshape(rows, width)
    found = c.add("rows", [flat, indices], shape_of(indices.like.numel(), width))
    return c.reshaped(found, *c.like.shape)


def item(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    return arguments[0][arguments[1]]


def same(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """Copies and casts. A cast to integers truncates."""
    value, wanted = arguments[0], options.get("dtype") or c.like.dtype
    before = value.like.dtype
    if wanted == torch.bool and before != torch.bool:
        return c.add("binary", [value, 0.0], name="ne")
    if before.is_floating_point and not wanted.is_floating_point:
        return c.add("unary", [value], name="trunc", values=())
    return Live(value.number, c.like)


def constant(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """Operators that take only the shape of their input."""
    blank = [torch.zeros(tuple(a.like.shape)) if isinstance(a, Live) else a for a in arguments]
    return target(*blank, **options)


def nothing(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """Checks that hold for the exported shapes."""
    return None
