"""A difference between files and model is found, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

import vaezoo
from tests.exports.conftest import conditional
from vaezoo.diagnostics import DataError, Diagnostic, VaezooError
from vaezoo.explorer.model_graphs import DecoderPart
from vaezoo.exports import export_targets
from vaezoo.exports.parity import compare, parity_inputs
from vaezoo.exports.source import EncoderPart, Run
from vaezoo.registry import ImageData


def no_data() -> ImageData:
    raise DataError(Diagnostic("VZ601", "no images"))


def runs() -> dict[str, Run]:
    model = conditional()
    encoder, decoder = EncoderPart(model).eval(), DecoderPart(model).eval()

    def encode(inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return encoder(*inputs.values())

    def decode(inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        with torch.no_grad():
            return decoder(*inputs.values())

    return {"encoder": encode, "decoder": decode}


def failed(change: Callable[[Tensor], Tensor]) -> set[str]:
    """The outputs that fail if a change is applied to all."""
    model = conditional()

    def changed(run: Run) -> Run:
        return lambda inputs: {name: change(value) for name, value in run(inputs).items()}

    inputs = parity_inputs(model, no_data)
    checks = compare({n: changed(run) for n, run in runs().items()}, model, inputs, 1e-4)
    return {check.output for check in checks if not check.passed}


ALL = {"mean", "log_var", "image"}


def test_equal_results_pass() -> None:
    assert failed(lambda values: values) == set()
    assert failed(lambda values: values + 1e-6) == set()


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values + 1e-2,
        lambda values: values.flip(0),
        lambda values: values * torch.nan,
        lambda values: values.clone().index_fill_(0, torch.tensor(0), torch.inf),
        lambda values: values[..., :1],
    ],
    ids=["shifted", "reversed", "nan", "infinite", "cut"],
)
def test_every_fault_is_found(change: Callable[[Tensor], Tensor]) -> None:
    assert failed(change) == ALL


def test_one_wrong_row_is_found() -> None:
    def last(values: Tensor) -> Tensor:
        changed = values.clone()
        changed[-1].flatten()[-1] += 0.1
        return changed

    assert failed(last) == ALL


def test_without_the_dataset_images_are_random() -> None:
    inputs = parity_inputs(conditional(), no_data)
    assert "random images" in inputs.about
    assert len(inputs.images) == 64
    assert inputs.labels is not None
    assert inputs.labels.unique().tolist() == [0, 1, 2, 3]


def test_a_difference_fails_and_leaves_nothing(folder: Path) -> None:
    with pytest.raises(VaezooError) as caught:
        vaezoo.export(conditional(), "torch", folder, tolerance=-1.0)
    assert {finding.code for finding in caught.value.diagnostics} == {"VZ702"}
    assert len(caught.value.diagnostics) == 3
    assert caught.value.exit_code == 3
    assert list(folder.parent.iterdir()) == []


def test_a_missing_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = export_targets.ExportTarget("nothing", "nowhere", packages=("torch", "no_such_library"))
    monkeypatch.setitem(export_targets.TARGETS, "other", row)
    with pytest.raises(VaezooError, match="no_such_library is not installed") as caught:
        vaezoo.export(conditional(), "other", folder)
    assert caught.value.diagnostics[0].hint == "pip install 'vaezoo[export]'"
    with pytest.raises(VaezooError, match=r"VZ504.*\n.*did you mean 'onnx'"):
        vaezoo.export(conditional(), "onxx", folder)
