"""Rewritten matrix products have the same values."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.fx.experimental.proxy_tensor import make_fx

from vaezoo.training.execution.graph_rewrites import with_fast_products

SIDES = st.sampled_from([0, 1, 2, 3, 16, 17, 20, 40])


def matrix(rows, columns, transposed, dtype):
    if transposed:
        return matrix(columns, rows, False, dtype).t()
    generator = torch.Generator().manual_seed(rows + 100 * columns)
    return torch.randn(rows, columns, generator=generator).to(dtype)


def rewritten(function, *inputs):
    graph = make_fx(function, tracing_mode="fake")(*inputs)
    return with_fast_products(graph, inputs)


def names(graph):
    return [node.target.__name__ for node in graph.graph.nodes if node.op == "call_function"]


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    sides=st.tuples(SIDES, SIDES, SIDES),
    transposed=st.tuples(st.booleans(), st.booleans()),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    biased=st.booleans(),
)
def test_a_rewritten_product_has_the_same_values(sides, transposed, dtype, biased):
    rows, inner, columns = sides
    left = matrix(rows, inner, transposed[0], dtype)
    right = matrix(inner, columns, transposed[1], dtype)
    inputs = [torch.arange(columns).to(dtype), left, right] if biased else [left, right]
    function: Any = torch.addmm if biased else torch.mm
    found = rewritten(function, *inputs)(*inputs)
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 0.05}[dtype]
    torch.testing.assert_close(found, function(*inputs), rtol=tolerance, atol=tolerance)


def test_weights_are_multiplied_in_memory_order():
    batch, weight, bias = torch.rand(32, 90), torch.rand(80, 90), torch.rand(80)
    graph = rewritten(torch.nn.functional.linear, batch, weight, bias)
    (product,) = (n for n in graph.graph.nodes if n.target is torch.ops.aten.mm.default)
    shapes = [
        (argument.meta["val"].shape, argument.meta["val"].stride()) for argument in product.args
    ]
    assert shapes == [((80, 90), (90, 1)), ((90, 32), (1, 90))]
    assert "addmm.default" not in names(graph)


@pytest.mark.parametrize("sides", [(64, 400, 2), (64, 2, 400), (2, 64, 400), (400, 64, 2)])
def test_a_thin_product_is_elementwise(sides):
    rows, inner, columns = sides
    assert "mm.default" not in names(
        rewritten(torch.mm, *(torch.rand(rows, inner), torch.rand(inner, columns)))
    )


@pytest.mark.parametrize("sides", [(128, 3136, 12), (64, 400, 400)])
def test_large_products_are_not_rewritten(sides):
    rows, inner, columns = sides
    left, right = torch.rand(rows, inner), torch.rand(inner, columns)
    assert names(rewritten(torch.mm, left, right)) == ["mm.default"]


def test_scaled_products_are_not_rewritten():
    def scaled(bias, left, right):
        return torch.addmm(bias, left, right, alpha=2)

    inputs = torch.rand(4), torch.rand(3, 2), torch.rand(2, 4)
    assert names(rewritten(scaled, *inputs)) == ["addmm.default"]
