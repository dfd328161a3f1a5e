import functools
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from vaezoo.training.execution.eager_optimizers import step_function

#: Trains, is stopped, goes on from its checkpoint; then an optimizer outside a run.
RUNS = """
import sys, tempfile
from pathlib import Path
import torch
from tests.helpers import small_spec
from vaezoo.training import Observer, train

class Stop(Observer):
    def finished_epoch(self, record):
        raise KeyboardInterrupt

for optimizer in ("adam", "adamw", {"use": "sgd", "lr": 1e-4}):
    plan = {"epochs": 2, "optimizer": optimizer, "gradient_clip": 5.0}
    spec = small_spec(train={**plan, "early_stopping": {"patience": 2}})
    with tempfile.TemporaryDirectory() as folder:
        def run(observer):
            data, device = spec.dataset.build(), torch.device("cpu")
            return train(spec, data, device=device, directory=Path(folder), observer=observer)
        try:
            run(Stop())
        except KeyboardInterrupt:
            print(len(run(Observer()).history), "torch._dynamo" in sys.modules)
torch.optim.Adam([torch.zeros(1)])
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.slow
def test_an_eager_run_does_not_load_the_compiler() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", RUNS],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split() == ["2", "False"] * 3 + ["True"]


OPTIMIZERS = {
    "Adam": {"lr": 1e-2, "fused": True},
    "AdamW": {"lr": 1e-2},
    "SGD": {"lr": 1e-2, "momentum": 0.9, "nesterov": True},
    "RMSprop": {"lr": 1e-2},
}


def moved(name, step):
    """Parameters after five steps towards random targets."""
    draws = torch.Generator().manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(n, generator=draws)) for n in (4, 3)]
    optimizer = getattr(torch.optim, name)(parameters, **OPTIMIZERS[name])
    for _ in range(5):
        optimizer.zero_grad()
        for parameter in parameters:
            (parameter - torch.randn(1, generator=draws)).square().sum().backward()
        step(optimizer)
    return torch.cat([p.detach() for p in parameters])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_equals_the_optimizers_own(name):
    ours = moved(name, lambda optimizer: step_function(optimizer)())
    assert torch.equal(ours, moved(name, lambda optimizer: optimizer.step()))
    assert not torch.equal(ours, moved(name, lambda optimizer: None))


def test_a_step_hook_is_called():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    seen = []
    optimizer.register_step_post_hook(lambda *_: seen.append("hook"))
    step_function(optimizer)()
    assert seen == ["hook"]


def test_a_global_step_hook_is_called():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    seen = []
    hook = register_optimizer_step_pre_hook(lambda *_: seen.append("hook"))
    try:
        step_function(optimizer)()
    finally:
        hook.remove()
    step_function(optimizer)()
    assert seen == ["hook"]


def test_a_wrapped_step_is_called(monkeypatch):
    seen = []
    pytorchs = torch.optim.SGD.step

    @functools.wraps(pytorchs)
    def counted(self, closure=None):
        seen.append("wrapped")
        return pytorchs(self, closure)

    monkeypatch.setattr(torch.optim.SGD, "step", counted)
    parameter = torch.ones(1, requires_grad=True)
    parameter.grad = torch.ones(1)
    step_function(torch.optim.SGD([parameter], lr=1.0))()
    assert seen == ["wrapped"]
    assert parameter.item() == 0.0


def test_a_scheduler_counts_the_steps():
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    step_function(optimizer)()
    scheduler.step()  # warns, and so fails, where it saw no step of the optimizer
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_a_custom_optimizer_keeps_its_step():
    class Counting(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):
            self.steps += 1

    optimizer = Counting([torch.zeros(1, requires_grad=True)])
    step_function(optimizer)()
    assert optimizer.steps == 1
