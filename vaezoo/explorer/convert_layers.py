"""Products of matrices, convolutions, normalization and pooling."""

from __future__ import annotations

import math
from typing import Any

import torch
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


def addmm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    bias, one, other = arguments
    if options.get("alpha", 1) != 1 or options.get("beta", 1) != 1:
        raise NotExportable("addmm with alpha or beta")
    like = bias.like if isinstance(bias, Live) else bias
    if like.ndim == 1 and len(like) == c.like.shape[1]:
        return c.add("matmul", [one, other, bias], batch=1)
    return c.add("binary", [c.add("matmul", [one, other], batch=1), bias], name="add")


def mm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    return c.add("matmul", arguments, batch=c.like.shape[0] if c.like.ndim == 3 else 1)


def linear(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, weight, *bias = arguments
    if isinstance(weight, Live):
        raise NotExportable("linear with weights that depend on the input")
    flat = c.reshaped(value, value.like.numel() // weight.shape[1], weight.shape[1])
    like = shape_of(flat.like.shape[0], weight.shape[0])
    bias = [one for one in bias if one is not None]
    product = c.add("matmul", [flat, weight.T.contiguous(), *bias], like, batch=1)
    return c.reshaped(product, *c.like.shape)


def convolution(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, weight, bias, stride, padding, dilation, transposed, _, groups = arguments
    if c.like.ndim != 4:
        raise NotExportable(f"convolution with {c.like.ndim - 2} dimensions")
    return c.add(
        "convolve_transposed" if transposed else "convolve",
        [value, weight, *([] if bias is None else [bias])],
        stride=tuple(stride),
        padding=tuple(padding),
        dilation=tuple(dilation),
        groups=groups,
    )


def batch_norm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, weight, bias, mean, variance, _, epsilon = arguments
    scale = torch.rsqrt(variance + epsilon) * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - mean * scale
    wide = (1, -1, *[1] * (value.like.ndim - 2))
    like = value.like
    scaled = c.add("binary", [value, scale.view(wide)], like, name="mul")
    return [c.add("binary", [scaled, shift.view(wide)], like, name="add"), None, None]


def layer_norm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, shape, weight, bias, epsilon = arguments
    rows = c.reshaped(value, value.like.numel() // math.prod(shape), math.prod(shape))
    found = c.add("normalize", [rows], rows.like, epsilon=epsilon)
    found = c.reshaped(found, *value.like.shape)
    return [_affine(c, found, weight, bias), None, None]


def group_norm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, weight, bias, count, channels, size, groups, epsilon = arguments
    rows = c.reshaped(value, count * groups, channels * size // groups)
    found = c.reshaped(c.add("normalize", [rows], rows.like, epsilon=epsilon), *value.like.shape)
    return [_by_channel(c, found, weight, bias), None, None]


def instance_norm(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    """A batch norm by the statistics of its input, which is one image of many channels."""
    value, weight, bias, _, _, epsilon = arguments
    if value.like.shape[0] != 1:
        raise NotExportable("batch_norm by the statistics of several examples")
    rows = c.reshaped(value, value.like.shape[1], value.like.numel() // value.like.shape[1])
    found = c.reshaped(c.add("normalize", [rows], rows.like, epsilon=epsilon), *value.like.shape)
    return [_by_channel(c, found, weight, bias), None, None]


def _by_channel(c: Converter, value: Live, weight: Any, bias: Any) -> Live:
    wide = (1, -1, *[1] * (value.like.ndim - 2))
    return _affine(c, value, *(None if one is None else one.view(wide) for one in (weight, bias)))


def _affine(c: Converter, value: Live, weight: Any, bias: Any) -> Live:
    if weight is not None:
        value = c.add("binary", [value, weight], value.like, name="mul")
    if bias is not None:
        value = c.add("binary", [value, bias], value.like, name="add")
    return value


def _pooling(arguments: Arguments) -> list[Any]:
    """The arguments of a pooling layer, with defaults for stride and padding."""
    defaults: list[Any] = [[], [0, 0]]
    return [*arguments, *defaults[len(arguments) - 2 :]] if len(arguments) < 4 else [*arguments]


def _pool(c: Converter, value: Live, kernel: Any, stride: Any, padding: Any, fill: float) -> Live:
    """The windows of a pooling layer: (outputs, kernel area)."""
    sizes = [list(one) * (2 if len(one) == 1 else 1) for one in (kernel, stride, padding)]
    (high, wide), (down, right), (above, beside) = sizes
    padded = F.pad(numbered(value.like), (beside, beside, above, above), value=-1)
    windows = padded.unfold(2, high, down).unfold(3, wide, right)
    return c.moved([value], windows.reshape(-1, high * wide), fill)


def max_pool(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, kernel, stride, padding, *rest = _pooling(arguments)
    if any(one not in ([1, 1], False) for one in rest):
        raise NotExportable("max_pool2d with dilation or ceil_mode")
    like = c.like[0] if isinstance(c.like, list | tuple) else c.like
    windows = _pool(c, value, kernel, stride or kernel, padding, -3e38)
    found = c.add("reduce", [windows], shape_of(windows.like.shape[0]), name="amax")
    return [c.reshaped(found, *like.shape), None]


def mean_pool(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, kernel, stride, padding, *rest = _pooling(arguments)
    counts_padding = len(rest) < 2 or rest[1] or not any(padding)
    if (rest and rest[0]) or not counts_padding or (len(rest) > 2 and rest[2] is not None):
        raise NotExportable("avg_pool2d with ceil_mode, a divisor or uncounted padding")
    windows = _pool(c, value, kernel, stride or kernel, padding, 0.0)
    found = c.add("reduce", [windows], shape_of(windows.like.shape[0]), name="mean")
    return c.reshaped(found, *c.like.shape)


def adaptive_mean_pool(c: Converter, target: Any, arguments: Arguments, options: Options) -> Any:
    value, sizes = arguments
    before = value.like.shape[-2:]
    if any(length % size for length, size in zip(before, sizes, strict=True)):
        raise NotExportable("adaptive_avg_pool2d to a size that does not divide the input")
    kernel = [length // size for length, size in zip(before, sizes, strict=True)]
    return mean_pool(c, target, [value, kernel], {})
