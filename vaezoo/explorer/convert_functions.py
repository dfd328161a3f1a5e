"""Functions of each number, of pairs of numbers, and along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from vaezoo.explorer.operator_converter import (
    Arguments,
    Convert,
    Converter,
    Live,
    Options,
    numbered,
    shape_of,
)


def unary(name: str, *keep: int, defaults: Sequence[float] = ()) -> Convert:
    """A function of each number, with the arguments at ``keep`` as its values."""

    def convert(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
        given = [
            arguments[place] if len(arguments) > place else defaults[i]
            for i, place in enumerate(keep)
        ]
        return c.add("unary", arguments[:1], name=name, values=tuple(float(v) for v in given))

    return convert


def clamp(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    low = arguments[1] if len(arguments) > 1 else options.get("min")
    high = arguments[2] if len(arguments) > 2 else options.get("max")
    value = arguments[0]
    for bound, name in ((low, "maximum"), (high, "minimum")):
        if bound is not None:
            value = c.add("binary", [value, bound], name=name)
    return value


def gelu(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    name = "gelu_tanh" if options.get("approximate") == "tanh" else "gelu"
    return c.add("unary", arguments[:1], name=name, values=())


def binary(name: str) -> Convert:
    def convert(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
        one, other = arguments[:2]
        alpha = options.get("alpha", 1)
        if alpha != 1:
            like = other.like if isinstance(other, Live) else torch.as_tensor(other)
            other = c.add("binary", [other, alpha], like, name="mul")
        return c.add("binary", [one, other], name=name)

    return convert


def divide(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    quotient = c.add("binary", arguments[:2], name="div")
    rounding = options.get("rounding_mode")
    if rounding is None:
        return quotient
    return c.add("unary", [quotient], name=rounding, values=())


def floor_divide(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    return divide(c, target, arguments, {"rounding_mode": "floor"})


def where(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    return c.add("where", arguments)


def reduce(name: str) -> Convert:
    def convert(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
        value = arguments[0]
        axes = arguments[1] if len(arguments) > 1 else None
        if axes is None or axes == []:
            axes = range(value.like.ndim)
        axes = [axes] if isinstance(axes, int) else list(axes)
        rows = c.in_rows(value, axes)[0] if value.like.ndim else c.reshaped(value, 1, 1)
        found = c.add("reduce", [rows], shape_of(rows.like.shape[0]), name=name)
        shaped = c.reshaped(found, *c.like.shape)
        return Live(shaped.number, c.like)

    return convert


def variance(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, axes = arguments[0], arguments[1] if len(arguments) > 1 else options.get("dim")
    correction = options.get("correction")
    axes = axes or list(range(value.like.ndim))
    rows, _ = c.in_rows(value, axes)
    outer, inner = rows.like.shape
    mean = c.add("reduce", [rows], shape_of(outer), name="mean")
    centered = c.add("binary", [rows, c.reshaped(mean, outer, 1)], rows.like, name="sub")
    squared = c.add("binary", [centered, centered], rows.like, name="mul")
    total = c.add("reduce", [squared], shape_of(outer), name="sum")
    divisor = inner - (1 if correction is None else correction)
    return c.reshaped(c.add("binary", [total, divisor], total.like, name="div"), *c.like.shape)


def extreme(name: str) -> Convert:
    """max.dim and min.dim: values and indices."""

    def convert(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
        rows, _ = c.in_rows(arguments[0], [arguments[1]])
        return [
            c.reshaped(
                c.add("reduce", [rows], shape_of(rows.like.shape[0]), name=which), *one.shape
            )
            for which, one in zip((f"a{name}", f"arg{name}"), c.like, strict=True)
        ]

    return convert


def along(operation: str) -> Convert:
    """A function of each row along one axis, which keeps the shape."""

    def convert(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
        value, axis = arguments[0], arguments[1] % max(arguments[0].like.ndim, 1)
        shape = tuple(value.like.shape)
        rows, outer = c.in_rows(value, [axis])
        found = c.reshaped(c.add(operation, [rows], rows.like), *outer, shape[axis])
        return c.moved([found], numbered(found.like).movedim(-1, axis))

    return convert
