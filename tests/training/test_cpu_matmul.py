from typing import Any

import pytest
import torch

from vaezoo.training.execution.cpu_matmul import fast_float32, largest_error

CPU = torch.device("cpu")


def setting():
    mkldnn: Any = torch.backends.mkldnn
    return mkldnn.matmul.fp32_precision


def test_products_keep_float32_precision():
    with fast_float32(CPU):
        assert largest_error() < 2e-6


def test_the_setting_is_restored_even_after_an_error():
    before = setting()
    with fast_float32(CPU):
        pass
    assert setting() == before
    with pytest.raises(ZeroDivisionError), fast_float32(CPU):
        raise ZeroDivisionError
    assert setting() == before


def test_the_setting_stays_if_products_would_round_to_bfloat16(monkeypatch):
    before = setting()
    monkeypatch.setattr("vaezoo.training.execution.cpu_matmul.largest_error", lambda: 3e-3)
    with fast_float32(CPU):
        assert setting() == before


def test_the_setting_stays_for_other_devices():
    before = setting()
    with fast_float32(torch.device("meta")):
        assert setting() == before


def test_bfloat16_rounding_exceeds_the_tolerance():
    left = torch.randn(64, 784).bfloat16().float()
    right = torch.randn(784, 400)
    exact = left.double() @ right.double()
    rounded = (left @ right.bfloat16().float()).double()
    assert ((rounded - exact).abs().max() / exact.abs().max()).item() > 2e-6
