"""Rewrite a captured step: views that may have to copy, and matrix products that are fast on a CPU.

Values change only by the rounding of sums. The rewrite depends only on shapes and strides: the
same step always becomes the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

#: Largest short side, and largest number of multiplications, of a product that takes a library
#: longer to set up than to compute.
_THIN = 16
_SMALL = 2**18


def with_reshapes(graph: GraphModule) -> GraphModule:
    """The graph with a reshape in place of each view, which copies where a view is impossible.

    Convolutions of real tensors may return channels last where those of fake tensors return
    channels first.
    """
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten.view.default):
        node.target = torch.ops.aten.reshape.default
    graph.recompile()
    return graph


def with_fast_products(graph: GraphModule, inputs: Sequence[Tensor]) -> GraphModule:
    """The graph with rewritten products, for inputs of these shapes and strides."""
    table: dict[Any, Callable[..., Any]] = {
        torch.ops.aten.mm.default: _product,
        torch.ops.aten.addmm.default: _product_and_bias,
    }
    with torch.no_grad():
        rewritten = make_fx(graph, decomposition_table=table, tracing_mode="fake")(*inputs)
    return with_reshapes(rewritten)


def _product(left: Tensor, right: Tensor) -> Any:
    """(m, k) @ (k, n) in a faster form; NotImplemented where there is none."""
    rows, inner = left.shape
    columns = right.shape[1]
    if 0 < rows * inner * columns <= _SMALL and min(rows, inner, columns) <= _THIN:
        return _thin(left.float(), right.float()).to(left.dtype)
    if _is_transposed(right) and rows < min(inner, columns):
        # a library first copies the right matrix to row-major order: make that the batch
        # instead of the weights, which are larger
        return (right.t() @ left.t()).t()
    return NotImplemented


def _product_and_bias(
    bias: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
) -> Any:
    if beta != 1 or alpha != 1:
        return NotImplemented
    product = _product(left, right)
    # the compiler fuses the addition with whatever reads the product
    return product if product is NotImplemented else product + bias


def _is_transposed(matrix: Tensor) -> bool:
    return matrix.stride(0) == 1 and matrix.stride(1) >= matrix.shape[0] > 1


def _thin(left: Tensor, right: Tensor) -> Tensor:
    """The product as elementwise operations, which a compiler fuses with those around them."""
    rows, inner = left.shape
    columns = right.shape[1]
    if inner <= _THIN:
        total = left[:, 0, None] * right[0]
        for k in range(1, inner):
            total = total + left[:, k, None] * right[k]
        return total
    if rows <= columns:
        return _few_rows_product(left, right)
    return _few_rows_product(right.t(), left.t()).t()


def _few_rows_product(few: Tensor, many: Tensor) -> Tensor:
    """(m, k) @ (k, n) for a small m, reading the larger matrix in memory order."""
    from torch._inductor.inductor_prims import force_stride_order

    # store it before it is read n times; otherwise the compiler recomputes it each time
    few = force_stride_order(few, (few.shape[1], 1))
    if _is_transposed(many):
        return (many.t()[:, None, :] * few).sum(2).t()
    return (few[:, :, None] * many).sum(1)
