"""A compiled step computes what an eager step computes, or is refused."""

from __future__ import annotations

import copy
import random

import pytest
import torch
from torch import nn

from tests.helpers import small_spec
from vaezoo.data.pixels import as_unit
from vaezoo.data.resident import Resident
from vaezoo.diagnostics import RunError
from vaezoo.model import build
from vaezoo.registry import Batch
from vaezoo.spec.conditioning import uses_labels
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, checkpoint, train
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.execution.choose_step import choose_step
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.execution.graph_capture import NotCapturable
from vaezoo.training.execution.inductor import compile_graph
from vaezoo.training.execution.memory_format import set_memory_format
from vaezoo.training.execution.step import ScheduledValues

CPU = torch.device("cpu")
SCHEDULED_LOSS = {"use": "elbo", "beta": {"linear": [0, 1], "epochs": 3}, "free_bits": 0.1}


def not_compiled(graph, inputs):
    """Run the captured graph without compiling it."""
    return graph


def state_of(spec):
    model = build(spec, seed=1)
    return TrainingState(
        model,
        spec.train.optimizer.build(model.parameters(), 1e-2),
        order=torch.Generator().manual_seed(2),
        noise=torch.Generator().manual_seed(3),
    )


def batches_of(spec, count):
    train = spec.dataset.build().train
    stored = Batch(train.images, train.labels if uses_labels(spec) else None)
    return [stored.rows(torch.arange(16) + 7 * index) for index in range(count)]


def prepared(step, batch):
    """The batch as an epoch gives it to a step."""
    return batch._replace(images=step.prepare(batch.images))


def compare(spec, compiler, optimizer=None):
    """Compare six eager and compiled steps; the last batch is smaller."""
    eager_state, state = state_of(spec), state_of(spec)
    if optimizer:
        for each in (eager_state, state):
            each.optimizer = optimizer(each.model.parameters())
    loss = spec.loss.build()
    eager = EagerStep(spec, eager_state, loss)
    batches = batches_of(spec, 6)
    step = CompiledStep(spec, state, loss, batches[0], compiler)
    batches[-1] = batches[-1].rows(slice(5))
    for index, batch in enumerate(batches):
        now = ScheduledValues(
            dict.fromkeys(spec.loss.weights, 0.1 * index)
            if spec.loss.weights["beta"] != 1.0
            else dict(spec.loss.weights),
            lr=1e-2 / (1 + index),
        )
        sums, expected = step(prepared(step, batch), now), eager(prepared(eager, batch), now)
        torch.testing.assert_close(sums, expected, rtol=1e-5, atol=1e-5)
    assert step.terms == eager.terms
    for one, other in zip(state.model.parameters(), eager_state.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert torch.equal(state.noise.get_state(), eager_state.noise.get_state())
    return state, eager_state


OPTIMIZERS = [
    "adam",
    "adamw",
    {"use": "sgd", "lr": 1e-3},
    {"use": "sgd", "lr": 1e-3, "momentum": 0.9, "weight_decay": 0.1},
    {"use": "sgd", "lr": 1e-3, "momentum": 0.9, "nesterov": True},
    {"use": "rmsprop", "lr": 1e-3, "centered": True, "momentum": 0.5},
]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("clip", [None, 0.5])
def test_a_captured_step_updates_like_an_eager_step(optimizer, clip):
    spec = small_spec(train={"optimizer": optimizer, "gradient_clip": clip})
    state, eager = compare(spec, not_compiled)
    for one, other in zip(
        state.optimizer.state.values(), eager.optimizer.state.values(), strict=True
    ):
        for name, value in other.items():
            if value is not None:
                torch.testing.assert_close(one[name], value, rtol=1e-4, atol=1e-5)


def test_scheduled_loss_weights():
    spec = small_spec(
        loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 3}},
    )
    compare(spec, not_compiled)


def test_an_unsupported_optimizer_steps_outside_the_program():
    compare(small_spec(), not_compiled, lambda p: torch.optim.Adagrad(p, lr=1e-3))


@pytest.mark.slow
def test_a_compiled_step_updates_like_an_eager_step(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    compare(small_spec(train={"gradient_clip": 5.0}), compile_graph)


def refused(reason, loss=None, change=None):
    spec = small_spec()
    state = state_of(spec)
    if change:
        change(state.model)
    before = copy.deepcopy(state.model.state_dict())
    noise = state.noise.get_state()
    with pytest.raises(NotCapturable, match=reason):
        CompiledStep(spec, state, loss or spec.loss.build(), batches_of(spec, 1)[0], not_compiled)
    for name, value in state.model.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(state.noise.get_state(), noise)


@pytest.mark.slow
def test_draws_without_the_runs_generator_are_refused():
    def with_dropout(model):
        model.encoder = nn.Sequential(nn.Dropout(0.5), model.encoder)

    refused("without the run's generator", change=with_dropout)


class Counting(nn.Module):
    """A loss that warms up, with a counter in Python."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.calls = 0

    def forward(self, model, images, weights, generator):
        self.calls += 1
        terms = self.inner(model, images, weights, generator)
        return terms | {"objective": terms["objective"] * min(self.calls / 100, 1.0)}


class Branching(Counting):
    """A loss that branches on a tensor value."""

    def forward(self, model, images, weights, generator):
        terms = self.inner(model, images, weights, generator)
        if terms["kl"].mean() > 1:
            return terms
        return terms | {"objective": terms["reconstruction"]}


class Masking(Counting):
    """A loss that draws with torch.bernoulli."""

    def forward(self, model, images, weights, generator):
        mask = torch.bernoulli(images, generator=generator)
        return self.inner(model, mask, weights, generator)


class Rolling(Counting):
    """A loss that draws with Python's random module."""

    def forward(self, model, images, weights, generator):
        terms = self.inner(model, images, weights, generator)
        return terms | {"objective": terms["objective"] * random.random()}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Counting, "step to step"),
        (Branching, "ata.dependent"),
        pytest.param(Masking, "bernoulli", marks=pytest.mark.slow),
        pytest.param(Rolling, "step to step", marks=pytest.mark.slow),
    ],
)
def test_a_loss_that_cannot_be_captured_is_refused(kind, reason):
    refused(reason, loss=kind(small_spec().loss.build()))


def test_a_program_with_different_results_is_refused():
    def wrong(graph, inputs):
        def program(*given):
            sums, *rest = graph(*given)
            return [sums * 1.01, *rest]

        return program

    spec = small_spec()
    with pytest.raises(NotCapturable, match="computes different values"):
        CompiledStep(spec, state_of(spec), spec.loss.build(), batches_of(spec, 1)[0], wrong)


@pytest.mark.slow
def test_a_compiler_error_is_reported():
    def broken(graph, inputs):
        raise OSError("no space left on device\nand much more")

    spec = small_spec()
    with pytest.raises(NotCapturable, match=r"the compiler failed: no space left on device$"):
        CompiledStep(spec, state_of(spec), spec.loss.build(), batches_of(spec, 1)[0], broken)


# ---------------------------------------------------------------- the choice


def execution(spec, mode="auto", compiled=None):
    state = state_of(spec)
    state.compiled = compiled
    images = Resident(spec.dataset.build().train.images)
    return choose_step(spec, state, spec.loss.build(), images, mode, Observer())[1]


def test_a_short_run_is_not_compiled():
    assert "does not pay for" in execution(small_spec()).reason
    assert execution(small_spec(), "off").reason == "compilation is off"


def test_a_long_run_without_a_compiler_is_eager(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    assert execution(small_spec(train={"epochs": 100_000})).reason == "no C++ compiler found"


def test_auto_falls_back_to_eager_and_on_raises(monkeypatch):
    def cannot(*_, **__):
        raise NotCapturable("it is too strange")

    monkeypatch.setattr("vaezoo.training.execution.choose_step.CompiledStep", cannot)
    long = small_spec(train={"epochs": 100_000})
    assert execution(long).reason == "it is too strange"
    with pytest.raises(RunError, match=r"VZ608.*it is too strange"):
        execution(long, "on")
    with pytest.raises(RunError, match=r"VZ608.*it is too strange"):
        execution(long, compiled=True)


@pytest.mark.parametrize(("compiled", "mode"), [(True, "off"), (False, "on")])
def test_a_resumed_run_refuses_to_switch(compiled, mode):
    with pytest.raises(RunError, match=r"VZ608.*would change the result"):
        execution(small_spec(), mode, compiled)


def test_a_resumed_eager_run_stays_eager():
    reason = execution(small_spec(train={"epochs": 100_000}), compiled=False).reason
    assert reason == "the run started with eager steps"


def test_the_memory_format_does_not_change_values():
    spec = small_spec(model={"encoder": {"use": "conv", "channels": [4, 8]}})
    state = state_of(spec)
    EagerStep(spec, state, spec.loss.build())(
        as_unit(batches_of(spec, 1)[0]), ScheduledValues({"beta": 1.0, "free_bits": 0.0}, 1e-2)
    )
    before = checkpoint.snapshot(state)
    kernel = state.model.encoder.convolutions[2].weight
    for order in (torch.channels_last, torch.contiguous_format):
        set_memory_format(state, order)
        assert kernel.is_contiguous(memory_format=order)
        assert state.optimizer.state[kernel]["exp_avg"].is_contiguous(memory_format=order)
        after = checkpoint.snapshot(state)
        assert safetensors_io.digest(after.tensors) == safetensors_io.digest(before.tensors)


class NormalizedEncoder(nn.Module):
    """Convolutions whose result, laid out channels last, is viewed as rows."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.GroupNorm(4, 8),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(8 * 3 * 3, 4),
        )

    def forward(self, images):
        return self.layers(images).unflatten(1, (2, 2))


@pytest.mark.parametrize(
    "compiler", [not_compiled, pytest.param(compile_graph, marks=pytest.mark.slow)]
)
def test_views_of_convolutions_are_captured(compiler):
    spec = small_spec()
    eager_state, state = state_of(spec), state_of(spec)
    for each in (eager_state, state):
        torch.manual_seed(0)
        each.model.encoder = NormalizedEncoder()
        each.optimizer = spec.train.optimizer.build(each.model.parameters(), 1e-2)
    loss, batch = spec.loss.build(), batches_of(spec, 1)[0]
    eager = EagerStep(spec, eager_state, loss)
    set_memory_format(state, torch.channels_last)
    step = CompiledStep(spec, state, loss, batch, compiler)
    now = ScheduledValues({"beta": 1.0, "free_bits": 0.0}, 1e-2)
    expected = eager(prepared(eager, batch), now)
    torch.testing.assert_close(step(prepared(step, batch), now), expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(state.model.parameters(), eager_state.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


class StopAfter(Observer):
    def finished_epoch(self, record):
        if record.epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_resumed_compiled_run_has_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    spec = small_spec(  # convolution weights are channels_last during training
        model={"encoder": {"use": "conv", "channels": [4]}},
        loss=SCHEDULED_LOSS,
        train={
            "epochs": 4,
            "early_stopping": {"patience": 3},
            "gradient_clip": 5.0,
            "ema": 0.9,
            "groups": {"decoder": {"lr": 1e-4}},
        },
    )

    def run(folder, observer, mode):
        data = spec.dataset.build()
        directory = tmp_path / folder
        return train(spec, data, device=CPU, directory=directory, observer=observer, compile=mode)

    straight = run("straight", Observer(), "on")
    assert straight.execution.compiled
    with pytest.raises(KeyboardInterrupt):
        run("stopped", StopAfter(), "on")
    resumed = run("stopped", Observer(), "auto")
    assert resumed.execution.compiled
    digests = [safetensors_io.digest(trained.model.state_dict()) for trained in (straight, resumed)]
    assert digests[0] == digests[1]


@pytest.mark.slow
def test_an_error_of_one_percent_in_averages_is_detected():
    """Parameters do not show it: the size of Adam's first step does not depend on the gradient."""
    spec = small_spec()
    state = state_of(spec)
    parameters = len(list(state.model.parameters()))

    def slightly_wrong(graph, inputs):
        def program(*tensors):
            results = graph(*tensors)
            tensors[parameters].mul_(1.01)
            return results

        return program

    with pytest.raises(NotCapturable, match="computes different values"):
        CompiledStep(spec, state, spec.loss.build(), batches_of(spec, 1)[0], slightly_wrong)
