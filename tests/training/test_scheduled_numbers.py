"""Numbers of parts and optimizers follow their schedules in every step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import Field
from torch import Tensor, nn

from tests.helpers import registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo import Likelihood, Optimizer, Positive, value_at
from vaezoo.diagnostics import PluginError, RunError
from vaezoo.model.shape_check import shape_findings
from vaezoo.spec import Spec, from_data
from vaezoo.testing import require_exact_resume
from vaezoo.training import Observer, Trained, load_for_training, train
from vaezoo.training.ensemble.train import ensemble_problem
from vaezoo.training.execution.choose_step import CompileMode
from vaezoo.training.execution.inductor import missing_compiler

CPU = torch.device("cpu")
FALLING = {"exponential": [1.0, 0.1], "epochs": 3}


class AnnealedNet(nn.Module):
    scale: Tensor

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale))
        self.seen: list[float] = []

    def log_prob(self, images: Tensor, parameters: Tensor) -> Tensor:
        distance = (images - self.mean(parameters)) / self.scale
        constant = self.scale.log() + 0.5 * math.log(2 * math.pi)
        return -(0.5 * distance**2 + constant).flatten(1).sum(1)

    def mean(self, parameters: Tensor) -> Tensor:
        return parameters.sigmoid()


class Annealed(Likelihood, use="annealed"):
    """A normal density with a scheduled standard deviation."""

    scale: Positive = Field(1.0, description="standard deviation")

    def build(self, image: Any) -> Any:
        return AnnealedNet(value_at(self.scale, 0))


class Unbuffered(Annealed, use="unbuffered"):
    """Keeps its first value."""

    def build(self, image: Any) -> Any:
        net = AnnealedNet(value_at(self.scale, 0))
        net.std = net.scale
        del net._buffers["scale"]
        net.scale = 1.0 * net.std
        return net


class Plain(Optimizer, use="plain"):
    """Gradient descent without an option for its number."""

    lr: Positive = 1e-3
    pull: Positive = 1.0

    def build(self, parameters: Any, lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr)


def spec_of(likelihood: str = "annealed", scale: Any = FALLING, **train: Any) -> Spec:
    model = {"likelihood": {"use": likelihood, "scale": scale}}
    registry = registry_with(Blobs, Annealed, Unbuffered, Plain)
    return from_data(spec_data(model=model, train=train), registry)


def trained(spec: Spec, directory: Path, compile: CompileMode = "off") -> Trained:
    return train(
        spec,
        load_for_training(spec),
        device=CPU,
        directory=directory,
        observer=Observer(),
        compile=compile,
    )


def last_value(spec: Spec) -> float:
    """The value of the last of 5 steps an epoch: 72 images in batches of 16."""
    return 0.1 ** ((3 - 1 / 5) / 3)


def test_a_buffer_has_the_value_of_the_last_step(tmp_path: Path) -> None:
    spec = spec_of()
    likelihood: Any = trained(spec, tmp_path).model.likelihood
    assert likelihood.scale.item() == pytest.approx(last_value(spec))


def test_a_schedule_trains_other_weights_than_its_first_value(tmp_path: Path) -> None:
    falling, constant = (
        trained(spec_of(scale=scale), tmp_path / str(index)).model.state_dict()
        for index, scale in enumerate((FALLING, 1.0))
    )
    weights = [name for name in falling if name.startswith("encoder.")]
    assert weights
    assert not any(torch.equal(falling[name], constant[name]) for name in weights)


def test_a_stopped_run_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    require_exact_resume(spec_of(), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler(CPU) is not None, reason="there is no compiler")
def test_compiled_steps_see_each_value(tmp_path: Path) -> None:
    eager = trained(spec_of(), tmp_path / "eager")
    compiled = trained(spec_of(), tmp_path / "compiled", "on")
    assert compiled.execution.compiled
    for name, values in eager.model.state_dict().items():
        torch.testing.assert_close(compiled.model.state_dict()[name], values, rtol=1e-3, atol=1e-5)


def test_a_schedule_needs_a_buffer() -> None:
    (finding,) = shape_findings(spec_of("unbuffered"))
    assert finding.code == "VZ401"
    assert "scale has a schedule, but its module has no scalar buffer of that name" in str(finding)
    assert shape_findings(spec_of("unbuffered", scale=1.0)) == []


def test_weight_decay_follows_its_schedule(tmp_path: Path) -> None:
    decay = {"linear": [0.0, 0.3], "epochs": 3}
    spec = spec_of(scale=1.0, optimizer={"use": "adamw", "weight_decay": decay})
    seen: list[float] = []
    step = torch.optim.AdamW.step

    def watched(self: Any, *arguments: Any) -> Any:
        seen.append(self.param_groups[0]["weight_decay"])
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        execution = trained(spec, tmp_path, "auto").execution
    assert not execution.compiled
    assert execution.reason == "the optimizer's weight_decay has a schedule"
    assert seen == pytest.approx([0.1 * step / 5 for step in range(15)])
    with pytest.raises(RunError, match="the optimizer's weight_decay has a schedule"):
        trained(spec, tmp_path / "compiled", "on")


def test_an_optimizer_without_the_option_is_named(tmp_path: Path) -> None:
    spec = spec_of(scale=1.0, optimizer={"use": "plain", "pull": FALLING})
    with pytest.raises(PluginError) as caught:
        trained(spec, tmp_path)
    assert "the optimizer 'plain' of the plugin tests 1 has a schedule for pull" in str(
        caught.value
    )


def test_members_with_schedules_train_one_by_one() -> None:
    members = [spec_of(seed=seed) for seed in range(2)]
    assert ensemble_problem(members) == "numbers of the model or the optimizer have a schedule"
