import pytest
import torch

from vaezoo.training.execution.cpu_matmul import fast_float32, largest_error

CPU = torch.device("cpu")


def setting():
    return torch.backends.mkldnn.matmul.fp32_precision


def test_products_inside_keep_the_digits_of_float32():
    with fast_float32(CPU):
        assert largest_error() < 2e-6


def test_the_setting_is_put_back_afterwards_even_after_an_error():
    before = setting()
    with fast_float32(CPU):
        pass
    assert setting() == before
    with pytest.raises(ZeroDivisionError), fast_float32(CPU):
        raise ZeroDivisionError
    assert setting() == before


def test_a_processor_that_would_round_to_bfloat16_is_left_alone(monkeypatch):
    before = setting()
    monkeypatch.setattr("vaezoo.training.execution.cpu_matmul.largest_error", lambda: 3e-3)
    with fast_float32(CPU):
        assert setting() == before


def test_another_device_is_left_alone():
    before = setting()
    with fast_float32(torch.device("meta")):
        assert setting() == before


def test_bfloat16_rounding_would_be_noticed():
    left = torch.randn(64, 784).bfloat16().float()
    right = torch.randn(784, 400)
    exact = left.double() @ right.double()
    rounded = (left @ right.bfloat16().float()).double()
    assert ((rounded - exact).abs().max() / exact.abs().max()).item() > 2e-6
