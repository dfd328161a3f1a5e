"""Training on a GPU agrees with a CPU, for eager, compiled and ensemble steps.

Random numbers differ between devices, so that both draw on the CPU here. With ``cpu`` the tests
hold what they compare with against itself, which shows on any machine that they compare like
with like.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close

from tests.helpers import small_spec
from vaezoo.registry.fields import Binarization
from vaezoo.registry.fields.binarization import AS_STORED
from vaezoo.spec import Spec
from vaezoo.training import Observer, Trained, checkpoint, train
from vaezoo.training.ensemble.train import train_together
from vaezoo.training.execution.choose_step import CompileMode

HAS_GPU = torch.cuda.is_available()
GPU = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not HAS_GPU, reason="needs a CUDA device")],
)
DEVICES = ["cpu", GPU]
CPU = torch.device("cpu")
MLP = {"train": {"epochs": 4, "optimizer": {"use": "adam", "lr": 1e-3}}}
CONV = {
    **MLP,
    "model": {
        "encoder": {"use": "conv", "channels": [4, 8]},
        "decoder": {"use": "conv_transpose", "channels": [8, 4]},
    },
}
CHANGES: dict[str, dict[str, Any]] = {
    "mlp": MLP,
    "conv": CONV,
    "binarised anew": MLP,
    "clipped, β rising": {
        "train": {**MLP["train"], "gradient_clip": 5.0},
        "loss": {"use": "elbo", "beta": {"linear": [0, 1], "epochs": 3}},
    },
}


class DrawnOnTheCPU(TorchFunctionMode):
    """Replaces each draw by one from a CPU generator with the same seed."""

    def __init__(self) -> None:
        super().__init__()
        self._twins: dict[torch.Generator, torch.Generator] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        generator = kwargs.get("generator")
        if generator is None:
            return func(*args, **kwargs)
        if generator not in self._twins:
            self._twins[generator] = torch.Generator().manual_seed(generator.initial_seed())
        kwargs["generator"] = self._twins[generator]
        if "device" in kwargs:
            kwargs["device"] = CPU
        args = [arg.cpu() if isinstance(arg, torch.Tensor) else arg for arg in args]
        return func(*args, **kwargs).to(generator.device)


def trained(
    spec: Spec,
    device: str,
    directory: Path,
    compile: CompileMode = "off",
    binarization: Binarization = AS_STORED,
) -> Trained:
    data = dataclasses.replace(spec.dataset.build(), binarization=binarization)
    with DrawnOnTheCPU():
        return train(
            spec,
            data,
            device=torch.device(device),
            directory=directory,
            observer=Observer(),
            compile=compile,
        )


def binarized(case: str) -> Binarization:
    return Binarization(use="dynamic") if case == "binarised anew" else AS_STORED


def assert_agree(found: Trained, expected: Trained, tolerance: float) -> None:
    for one, other in zip(found.history, expected.history, strict=True):
        assert one.train == pytest.approx(other.train, rel=tolerance)
        assert one.validation == pytest.approx(other.validation, rel=tolerance)
    state = {name: value.cpu() for name, value in found.model.state_dict().items()}
    assert_close(state, expected.model.state_dict(), rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", CHANGES)
def test_eager_steps_agree(tmp_path, device, case):
    spec, how = small_spec(**CHANGES[case]), binarized(case)
    found = trained(spec, device, tmp_path / "found", binarization=how)
    assert_agree(found, trained(spec, "cpu", tmp_path / "expected", binarization=how), 1e-3)


@pytest.mark.parametrize("device", [GPU])
@pytest.mark.parametrize("case", CHANGES)
def test_compiled_steps_agree(tmp_path, device, case):
    """Compiled, and recorded as a CUDA graph."""
    spec, how = small_spec(**CHANGES[case]), binarized(case)
    found = trained(spec, device, tmp_path / "found", compile="on", binarization=how)
    assert found.execution.compiled
    assert_agree(found, trained(spec, "cpu", tmp_path / "expected", binarization=how), 1e-3)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
@pytest.mark.parametrize("device", [GPU])
@pytest.mark.parametrize("compile", ["off", "on"])
def test_lower_precision_is_close(tmp_path, device, precision, compile):
    spec = small_spec(**{**MLP, "train": {**MLP["train"], "precision": precision}})
    found = trained(spec, device, tmp_path / device, compile)
    expected = trained(small_spec(**MLP), "cpu", tmp_path / "expected")
    one, other = found.history[-1].validation, expected.history[-1].validation
    assert one is not None
    assert other is not None
    assert math.isclose(one["elbo"], other["elbo"], rel_tol=0.02)


@pytest.mark.parametrize("device", [GPU])
@pytest.mark.parametrize("compile", ["off", "on"])
def test_a_resumed_run_agrees(tmp_path, device, compile):
    """The second half starts from a checkpoint and has the same draws."""

    class Interrupted(Observer):
        def finished_epoch(self, record):
            if record.epoch == 2:
                raise KeyboardInterrupt

    spec, data = small_spec(**MLP), small_spec(**MLP).dataset.build()
    on = {"device": torch.device(device), "compile": compile}
    whole = train(spec, data, directory=tmp_path / "whole", observer=Observer(), **on)
    with pytest.raises(KeyboardInterrupt):
        train(spec, data, directory=tmp_path / "half", observer=Interrupted(), **on)
    assert (tmp_path / "half" / checkpoint.FILE).is_file()
    resumed = train(spec, data, directory=tmp_path / "half", observer=Observer(), **on)
    assert len(resumed.history) == spec.train.epochs
    assert_close(resumed.model.state_dict(), whole.model.state_dict(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_members_together_agree(tmp_path, device):
    specs = [
        small_spec(name=f"member{seed}", train={**MLP["train"], "seed": seed}) for seed in (0, 1, 2)
    ]
    with DrawnOnTheCPU():
        reason = train_together(
            specs,
            device=torch.device(device),
            directory=tmp_path,
            folder_of=lambda spec: tmp_path / spec.name,
            observer=Observer(),
        )
    assert reason is None
    for spec in specs:
        assert (tmp_path / spec.name / checkpoint.FILE).is_file()
        found = trained(spec, device, tmp_path / spec.name)  # all of it is done
        assert_agree(found, trained(spec, "cpu", tmp_path / "expected" / spec.name), 1e-3)
