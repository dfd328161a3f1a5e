"""Operators of ATen in terms of the few operations of an ``ArrayGraph``.

Operators that only move numbers, such as permute, slice, cat or pad, are carried out on arrays of
indices. All of them become one operation, ``gather``, with the indices that come out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._pytree import tree_map

from vaezoo.explorer.graph import ArrayGraph


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
        like = _shape(*indices.shape)
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
        indices = _numbered(value.like).permute(*outer, *inner)
        rows = math.prod(shape[axis] for axis in outer)
        return self.moved([value], indices.reshape(rows, -1)), tuple(shape[a] for a in outer)


Convert = Callable[[Converter, Any, Sequence[Any], dict[str, Any]], Any]


def operator_name(target: Any) -> str:
    """``aten.addmm.default`` as ``addmm``, other overloads as ``index.Tensor``."""
    text = str(getattr(target, "__name__", target)) if callable(target) else str(target)
    return text.removeprefix("aten.").removesuffix(".default")


def _shape(*lengths: int) -> Tensor:
    return torch.empty(lengths, device="meta")


def _numbered(like: Tensor, start: int = 0) -> Tensor:
    return torch.arange(start, start + like.numel()).reshape(tuple(like.shape))


def _move(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Any operator that only moves numbers, carried out on indices."""
    sources: list[Any] = []
    start = 0

    def index(value: Any) -> Any:
        nonlocal start
        if not isinstance(value, Live):
            return value
        sources.append(value)
        start += value.like.numel()
        return _numbered(value.like, start - value.like.numel())

    return _indexed(c, target, sources, tree_map(index, (list(arguments), options)))


def _indexed(c: Converter, target: Any, sources: list[Any], call: Any) -> Any:
    arguments, options = call
    found = target(*arguments, **options)
    if isinstance(found, Tensor):
        return c.moved(sources, found)
    return [c.moved(sources, one) for one in found]


def _combine(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Movers whose float tensors are all sources, constants too: cat, index_put, select_scatter."""

    def source(value: Any) -> Any:
        is_index = isinstance(value, Tensor) and not value.dtype.is_floating_point
        if isinstance(value, Tensor) and not is_index:
            return Live(c.graph.constant(value), value)
        return value

    lifted, named = tree_map(source, (list(arguments), options))
    return _move(c, target, lifted, named)


def _pad(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, sizes, *rest = arguments
    fill = float(rest[0]) if rest else 0.0
    return c.moved([value], F.pad(_numbered(value.like), sizes, value=-1), fill)


def _same(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Copies and casts. A cast to integers truncates."""
    value, wanted = arguments[0], options.get("dtype") or c.like.dtype
    before = value.like.dtype
    if wanted == torch.bool and before != torch.bool:
        return c.add("binary", [value, 0.0], name="ne")
    if before.is_floating_point and not wanted.is_floating_point:
        return c.add("unary", [value], name="trunc", values=())
    return Live(value.number, c.like)


def _unary(name: str, *keep: int, defaults: Sequence[float] = ()) -> Convert:
    """A function of each number, with the arguments at ``keep`` as its values."""

    def convert(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        given = [
            arguments[place] if len(arguments) > place else defaults[i]
            for i, place in enumerate(keep)
        ]
        return c.add("unary", arguments[:1], name=name, values=tuple(float(v) for v in given))

    return convert


def _clamp(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    low = arguments[1] if len(arguments) > 1 else options.get("min")
    high = arguments[2] if len(arguments) > 2 else options.get("max")
    value = arguments[0]
    for bound, name in ((low, "maximum"), (high, "minimum")):
        if bound is not None:
            value = c.add("binary", [value, bound], name=name)
    return value


def _gelu(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    name = "gelu_tanh" if options.get("approximate") == "tanh" else "gelu"
    return c.add("unary", arguments[:1], name=name, values=())


def _binary(name: str) -> Convert:
    def convert(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        one, other = arguments[:2]
        alpha = options.get("alpha", 1)
        if alpha != 1:
            like = other.like if isinstance(other, Live) else torch.as_tensor(other)
            other = c.add("binary", [other, alpha], like, name="mul")
        return c.add("binary", [one, other], name=name)

    return convert


def _divide(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    quotient = c.add("binary", arguments[:2], name="div")
    rounding = options.get("rounding_mode")
    if rounding is None:
        return quotient
    return c.add("unary", [quotient], name=rounding, values=())


def _floor_divide(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    return _divide(c, target, arguments, {"rounding_mode": "floor"})


def _where(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    return c.add("where", arguments)


def _addmm(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    bias, one, other = arguments
    if options.get("alpha", 1) != 1 or options.get("beta", 1) != 1:
        raise NotExportable("addmm with alpha or beta")
    like = bias.like if isinstance(bias, Live) else bias
    if like.ndim == 1 and len(like) == c.like.shape[1]:
        return c.add("matmul", [one, other, bias], batch=1)
    return c.add("binary", [c.add("matmul", [one, other], batch=1), bias], name="add")


def _mm(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    return c.add("matmul", arguments, batch=c.like.shape[0] if c.like.ndim == 3 else 1)


def _linear(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, weight, *bias = arguments
    if isinstance(weight, Live):
        raise NotExportable("linear with weights that depend on the input")
    flat = c.reshaped(value, value.like.numel() // weight.shape[1], weight.shape[1])
    like = _shape(flat.like.shape[0], weight.shape[0])
    bias = [one for one in bias if one is not None]
    product = c.add("matmul", [flat, weight.T.contiguous(), *bias], like, batch=1)
    return c.reshaped(product, *c.like.shape)


def _convolution(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    value, weight, bias, stride, padding, dilation, transposed, _, groups = arguments
    if c.like.ndim != 4:
        raise NotExportable(f"convolution with {c.like.ndim - 2} dimensions")
    result = c.add(
        "conv_transpose" if transposed else "conv",
        [value, weight, *([] if bias is None else [bias])],
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
    )
    return result


def _batch_norm(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    value, weight, bias, mean, variance, _, epsilon = arguments
    scale = torch.rsqrt(variance + epsilon) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    wide = (1, -1, *[1] * (value.like.ndim - 2))
    like = value.like
    scaled = c.add("binary", [value, scale.view(wide)], like, name="mul")
    return [c.add("binary", [scaled, shift.view(wide)], like, name="add"), None, None]


def _layer_norm(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    value, shape, weight, bias, epsilon = arguments
    rows = c.reshaped(value, value.like.numel() // math.prod(shape), math.prod(shape))
    found = c.add("normalize", [rows], rows.like, epsilon=epsilon)
    found = c.reshaped(found, *value.like.shape)
    return [_affine(c, found, weight, bias), None, None]


def _group_norm(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    value, weight, bias, count, channels, size, groups, epsilon = arguments
    rows = c.reshaped(value, count * groups, channels * size // groups)
    found = c.reshaped(c.add("normalize", [rows], rows.like, epsilon=epsilon), *value.like.shape)
    wide = (1, -1, *[1] * (value.like.ndim - 2))
    parts = [None if one is None else one.view(wide) for one in (weight, bias)]
    return [_affine(c, found, *parts), None, None]


def _affine(c: Converter, value: Live, weight: Any, bias: Any) -> Live:
    if weight is not None:
        value = c.add("binary", [value, weight], value.like, name="mul")
    if bias is not None:
        value = c.add("binary", [value, bias], value.like, name="add")
    return value


def _reduce(name: str) -> Convert:
    def convert(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        value = arguments[0]
        axes = arguments[1] if len(arguments) > 1 else None
        if axes is None or axes == []:
            axes = range(value.like.ndim)
        axes = [axes] if isinstance(axes, int) else list(axes)
        rows, outer = c.in_rows(value, axes) if value.like.ndim else (c.reshaped(value, 1, 1), ())
        found = c.add("reduce", [rows], _shape(rows.like.shape[0]), name=name)
        shaped = c.reshaped(found, *c.like.shape)
        return Live(shaped.number, c.like)

    return convert


def _variance(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, axes = arguments[0], arguments[1] if len(arguments) > 1 else options.get("dim")
    correction = options.get("correction")
    axes = list(range(value.like.ndim)) if not axes else axes
    rows, _ = c.in_rows(value, axes)
    outer, inner = rows.like.shape
    mean = c.add("reduce", [rows], _shape(outer), name="mean")
    centered = c.add("binary", [rows, c.reshaped(mean, outer, 1)], rows.like, name="sub")
    squared = c.add("binary", [centered, centered], rows.like, name="mul")
    total = c.add("reduce", [squared], _shape(outer), name="sum")
    divisor = inner - (1 if correction is None else correction)
    return c.reshaped(c.add("binary", [total, divisor], total.like, name="div"), *c.like.shape)


def _extreme(name: str) -> Convert:
    """max.dim and min.dim: values and indices."""

    def convert(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        rows, _ = c.in_rows(arguments[0], [arguments[1]])
        return [
            c.reshaped(
                c.add("reduce", [rows], _shape(rows.like.shape[0]), name=which), *one.shape
            )
            for which, one in zip((f"a{name}", f"arg{name}"), c.like, strict=True)
        ]

    return convert


def _along(operation: str) -> Convert:
    """A function of each row along one axis, which keeps the shape."""

    def convert(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        value, axis = arguments[0], arguments[1] % max(arguments[0].like.ndim, 1)
        shape = tuple(value.like.shape)
        rows, outer = c.in_rows(value, [axis])
        found = c.reshaped(c.add(operation, [rows], rows.like), *outer, shape[axis])
        return c.moved([found], _numbered(found.like).movedim(-1, axis))

    return convert


def _pool(c: Converter, value: Live, kernel: Any, stride: Any, padding: Any, fill: float) -> Live:
    """The windows of a pooling layer: (outputs, kernel area)."""
    sizes = [list(one) * (2 if len(one) == 1 else 1) for one in (kernel, stride, padding)]
    (high, wide), (down, right), (above, beside) = sizes
    padded = F.pad(_numbered(value.like), (beside, beside, above, above), value=-1)
    windows = padded.unfold(2, high, down).unfold(3, wide, right)
    return c.moved([value], windows.reshape(-1, high * wide), fill)


def _max_pool(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, kernel, stride, padding, *rest = [*arguments, *[[], [0, 0]][len(arguments) - 2 :]]
    if any(one not in ([1, 1], False) for one in rest):
        raise NotExportable("max_pool2d with dilation or ceil_mode")
    like = c.like[0] if isinstance(c.like, list | tuple) else c.like
    windows = _pool(c, value, kernel, stride or kernel, padding, -3e38)
    found = c.add("reduce", [windows], _shape(windows.like.shape[0]), name="amax")
    return [c.reshaped(found, *like.shape), None]


def _mean_pool(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, kernel, stride, padding, *rest = [*arguments, *[[], [0, 0]][len(arguments) - 2 :]]
    counts_padding = len(rest) < 2 or rest[1] or not any(padding)
    if (rest and rest[0]) or not counts_padding or (len(rest) > 2 and rest[2] is not None):
        raise NotExportable("avg_pool2d with ceil_mode, a divisor or uncounted padding")
    windows = _pool(c, value, kernel, stride or kernel, padding, 0.0)
    found = c.add("reduce", [windows], _shape(windows.like.shape[0]), name="mean")
    return c.reshaped(found, *c.like.shape)


def _adaptive_mean_pool(c: Converter, target: Any, arguments: Sequence[Any], options: Any) -> Any:
    value, sizes = arguments
    before = value.like.shape[-2:]
    if any(length % size for length, size in zip(before, sizes, strict=True)):
        raise NotExportable("adaptive_avg_pool2d to a size that does not divide the input")
    kernel = [length // size for length, size in zip(before, sizes, strict=True)]
    return _mean_pool(c, target, [value, kernel], {})


def _index(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    value, indices = arguments
    if not any(isinstance(one, Live) for one in indices):
        return _move(c, target, arguments, options)
    if len(indices) != 1 or not isinstance(indices[0], Live):
        raise NotExportable("index by several computed indices")
    return _rows(c, target, [value, indices[0]], options)


def _rows(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    table, indices = arguments[:2]
    like = table.like if isinstance(table, Live) else table
    rows, width = like.shape[0], like.numel() // like.shape[0]
    flat = c.reshaped(table, rows, width) if isinstance(table, Live) else table.reshape(rows, width)
    found = c.add("rows", [flat, indices], _shape(indices.like.numel(), width))
    return c.reshaped(found, *c.like.shape)


def _constant(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Operators that take only the shape of their input."""
    blank = [torch.zeros(tuple(a.like.shape)) if isinstance(a, Live) else a for a in arguments]
    return target(*blank, **options)


def _nothing(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    """Checks that hold for the exported shapes."""
    return None


def _item(c: Converter, target: Any, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
    return arguments[0][arguments[1]]


_MOVERS = (
    "view _unsafe_view reshape permute transpose t expand slice select squeeze unsqueeze flip roll "
    "repeat unfold diagonal as_strided pixel_shuffle pixel_unshuffle channel_shuffle split "
    "split_with_sizes unbind chunk index_select movedim flatten unflatten narrow alias "
    "upsample_nearest2d _upsample_nearest_exact2d upsample_nearest1d reflection_pad2d "
    "reflection_pad1d replication_pad2d replication_pad1d im2col"
).split()
_COMBINERS = (
    "cat stack index_copy index_put slice_scatter select_scatter scatter.src diagonal_scatter "
    "as_strided_scatter"
).split()
_FUNCTIONS = (
    "relu sigmoid tanh exp log log1p expm1 log2 log10 neg abs sqrt rsqrt reciprocal sin cos tan "
    "asin acos atan sinh cosh asinh acosh atanh erf round floor ceil trunc sign silu mish "
    "hardswish hardsigmoid log_sigmoid isnan logical_not selu"
).split()
_PAIRS = {
    "add": "add", "sub": "sub", "mul": "mul", "pow": "pow", "maximum": "maximum",
    "minimum": "minimum", "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
    "remainder": "remainder", "atan2": "atan2", "logical_and": "and", "bitwise_and": "and",
    "logical_or": "or", "bitwise_or": "or", "logical_xor": "ne", "bitwise_xor": "ne",
    "logaddexp": "logaddexp",
}  # fmt: skip

CONVERTERS: dict[str, Convert] = {
    **dict.fromkeys(_MOVERS, _move),
    **dict.fromkeys(_COMBINERS, _combine),
    **{name: _unary(name) for name in _FUNCTIONS},
    **{name: _binary(ours) for name, ours in _PAIRS.items()},
    **dict.fromkeys("clone detach detach_ _to_copy lift_fresh_copy contiguous".split(), _same),
    "bitwise_not": _unary("logical_not"),
    "leaky_relu": _unary("leaky_relu", 1, defaults=[0.01]),
    "elu": _unary("elu", 1, 2, 3, defaults=[1.0, 1.0, 1.0]),
    "softplus": _unary("softplus", 1, 2, defaults=[1.0, 20.0]),
    "gelu": _gelu,
    "clamp": _clamp,
    "hardtanh": lambda c, t, a, o: _clamp(c, t, [a[0], *(a[1:] or [-1.0, 1.0])], o),
    "clamp_min": lambda c, t, a, o: _clamp(c, t, [a[0], a[1], None], o),
    "clamp_max": lambda c, t, a, o: _clamp(c, t, [a[0], None, a[1]], o),
    "div": _divide,
    "floor_divide": _floor_divide,
    "where": _where,
    "addmm": _addmm,
    "mm": _mm,
    "bmm": _mm,
    "linear": _linear,
    "convolution": _convolution,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **{name: _reduce(name) for name in ("sum", "mean", "amax", "amin", "prod", "any", "all")},
    "argmax": _reduce("argmax"),
    "argmin": _reduce("argmin"),
    "max.dim": _extreme("max"),
    "min.dim": _extreme("min"),
    "max": _reduce("amax"),
    "min": _reduce("amin"),
    "var": _variance,
    "_softmax": _along("softmax"),
    "softmax": _along("softmax"),
    "_log_softmax": _along("log_softmax"),
    "cumsum": _along("cumsum"),
    "constant_pad_nd": _pad,
    "max_pool2d_with_indices": _max_pool,
    "avg_pool2d": _mean_pool,
    "_adaptive_avg_pool2d": _adaptive_mean_pool,
    "index": _index,
    "embedding": _rows,
    "getitem": _item,
    **dict.fromkeys("full_like zeros_like ones_like new_full new_zeros new_ones".split(), _constant),
    "_assert_tensor_metadata": _nothing,
}
