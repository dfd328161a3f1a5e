"""Matrix products of a captured step in the forms that a CPU computes fastest.

The values stay, up to the rounding of sums. Shapes and strides alone decide, so that the same step
always becomes the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

#: A product is thin if one of its three sides has at most so many entries, and it multiplies at
#: most so many numbers: a library takes longer to begin with it than to compute it.
_THIN = 16
_SMALL = 2**18


def with_fast_products(graph: GraphModule, inputs: Sequence[Tensor]) -> GraphModule:
    """The graph with its products rewritten, for inputs of these shapes and strides."""
    table: dict[Any, Callable[..., Any]] = {
        torch.ops.aten.mm.default: _product,
        torch.ops.aten.addmm.default: _product_and_bias,
    }
    with torch.no_grad():
        return make_fx(graph, decomposition_table=table, tracing_mode="fake")(*inputs)


def _product(left: Tensor, right: Tensor) -> Any:
    """(m, k) @ (k, n) in another form, NotImplemented where there is no better one."""
    rows, inner = left.shape
    columns = right.shape[1]
    if 0 < rows * inner * columns <= _SMALL and min(rows, inner, columns) <= _THIN:
        return _thin(left.float(), right.float()).to(left.dtype)
    if _lies_transposed(right) and rows < min(inner, columns):
        # a library brings the right matrix into the order of rows at first: let that be the
        # batch, and not the weights, which are larger
        return (right.t() @ left.t()).t()
    return NotImplemented


def _product_and_bias(
    bias: Tensor, left: Tensor, right: Tensor, *, beta: float = 1, alpha: float = 1
) -> Any:
    if beta != 1 or alpha != 1:
        return NotImplemented
    product = _product(left, right)
    # what reads the product adds the bias on the way
    return product if product is NotImplemented else product + bias


def _lies_transposed(matrix: Tensor) -> bool:
    return matrix.stride(0) == 1 and matrix.stride(1) >= matrix.shape[0] > 1


def _thin(left: Tensor, right: Tensor) -> Tensor:
    """The product as sums of products of single numbers, which a compiler joins with the
    operations before and after them."""
    rows, inner = left.shape
    columns = right.shape[1]
    if inner <= _THIN:
        total = left[:, 0, None] * right[0]
        for k in range(1, inner):
            total = total + left[:, k, None] * right[k]
        return total
    if rows <= columns:
        return _of_few_rows(left, right)
    return _of_few_rows(right.t(), left.t()).t()


def _of_few_rows(few: Tensor, many: Tensor) -> Tensor:
    """(m, k) @ (k, n) for a small m, such that the larger matrix is read as it lies."""
    from torch._inductor.inductor_prims import force_stride_order

    # written down before it is read n times: else it would be computed as often
    few = force_stride_order(few, (few.shape[1], 1))
    if _lies_transposed(many):
        return (many.t()[:, None, :] * few).sum(2).t()
    return (few[:, :, None] * many).sum(1)
