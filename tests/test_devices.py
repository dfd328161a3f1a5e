import pytest
import torch

from vaezoo.diagnostics import RunError
from vaezoo.system.devices import available, choose
from vaezoo.system.out_of_memory import memory_explained


def test_auto_is_the_first_that_is_available():
    assert choose("auto").type == available()[0]


def test_an_unknown_device_is_refused_with_what_there_is():
    with pytest.raises(RunError, match=r"VZ602.*'tpu'(.|\n)*cpu"):
        choose("tpu")


def test_running_out_of_memory_says_what_to_do():
    expected = r"VZ607.*not enough memory(.|\n)*batch_size"
    with pytest.raises(RunError, match=expected), memory_explained():
        torch.empty(2**60, dtype=torch.uint8)


def test_another_error_passes_through():
    with pytest.raises(RuntimeError, match="shape"), memory_explained():
        torch.zeros(3).reshape(2)
