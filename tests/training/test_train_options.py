"""Averages of weights, clipping by value, and parts trained differently."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.helpers import small_spec
from tests.training.test_loop import StopAfter, digest, run
from vaezoo import Batch
from vaezoo.diagnostics import SpecError
from vaezoo.model import build
from vaezoo.model.part_check import part_findings
from vaezoo.training import checkpoint
from vaezoo.training.build_optimizer import build_optimizer
from vaezoo.training.checkpoint import TrainingState
from vaezoo.training.epoch import scheduled_values
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.eager import EagerStep
from vaezoo.training.execution.graph_capture import clip_gradients
from vaezoo.training.execution.optimizer_updates import optimizer_update
from vaezoo.training.weight_average import WeightAverage

CPU = torch.device("cpu")
GROUPS = {"encoder": {"lr": 1e-4}, "decoder": {"lr": {"linear": [1e-2, 1e-3], "epochs": 3}}}
OPTIONS = {
    "ema": {"ema": 0.9},
    "late ema": {"ema": {"decay": 0.9, "start": 1.5}, "early_stopping": {"patience": 3}},
    "value": {"gradient_clip": {"value": 0.01}},
    "groups": {"groups": GROUPS},
    "frozen": {"freeze": ["encoder"]},
    "rmsprop": {"optimizer": {"use": "rmsprop", "centered": True, "momentum": 0.5}},
    "all": {
        "ema": 0.9,
        "gradient_clip": {"value": 0.01},
        "freeze": ["encoder"],
        "groups": {"decoder": {"lr": 1e-4}},
        "optimizer": {"use": "rmsprop", "centered": True},
    },
}
each_option = pytest.mark.parametrize("train", OPTIONS.values(), ids=OPTIONS)


def state_of(spec):
    model = build(spec, seed=1)
    model.freeze(spec.train.freeze)
    return TrainingState(
        model,
        build_optimizer(spec.train, model.named_parameters()),
        order=torch.Generator().manual_seed(2),
        noise=torch.Generator().manual_seed(3),
    )


def images_of(spec, count=16):
    return spec.dataset.build().train.images[:count]


def not_compiled(graph, inputs):
    """Run the captured graph without compiling it."""
    return graph


@each_option
def test_a_resumed_run_has_the_same_weights(tmp_path, train):
    spec = small_spec(train={"epochs": 4, **train})
    straight = run(spec, tmp_path / "straight")
    assert digest(straight) != digest(run(small_spec(train={"epochs": 4}), tmp_path / "plain"))
    for epoch in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            run(spec, tmp_path / "stopped", StopAfter(epoch))
    resumed = run(spec, tmp_path / "stopped")
    assert digest(resumed) == digest(straight)
    assert [r.validation for r in resumed.history] == [r.validation for r in straight.history]


@each_option
def test_a_captured_step_trains_like_an_eager_step(train):
    spec = small_spec(train=train)
    eager_state, state = state_of(spec), state_of(spec)
    loss, images = spec.loss.build(), images_of(spec)
    eager = EagerStep(spec, eager_state, loss)
    step = CompiledStep(spec, state, loss, Batch(images), not_compiled)
    assert step._update is not None  # the optimizer is part of the graph
    for now in scheduled_values(spec, 0, 5):
        expected = eager(Batch(eager.prepare(images)), now)
        assert_close(step(Batch(images), now), expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(state.model.parameters(), eager_state.model.parameters(), strict=True):
        assert_close(one, other, rtol=1e-4, atol=1e-5)


# ---------------------------------------------------------------- average


def test_the_average_is_that_of_a_loop_in_float64():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
    average = WeightAverage(model)
    expected = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    for step in range(20):
        model(torch.randn(5, 3, generator=generator, dtype=torch.float64))  # batch averages
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator).double())
        decay = 0.0 if step < 4 else 0.9
        average.update(decay)
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * value
            else:
                expected[name] = value.clone()
    assert_close(average.tensors, expected, rtol=1e-12, atol=1e-14)


def test_validation_and_the_result_use_the_average(tmp_path):
    plain = run(small_spec(), tmp_path / "plain")
    spec = small_spec(train={"ema": {"decay": 0.9, "start": 1}})
    averaged = run(spec, tmp_path / "averaged")
    assert [r.train for r in averaged.history] == [r.train for r in plain.history]
    assert averaged.history[0].validation == plain.history[0].validation  # not yet averaged
    assert averaged.history[2].validation != plain.history[2].validation
    assert "averaged weights, decay 0.9" in str(averaged.execution)
    assert averaged.execution.for_lock()["averaged"] == {"decay": 0.9, "start": 1.0}
    assert "averaged" not in plain.execution.for_lock()


def test_a_checkpoint_has_the_weights_and_their_average(tmp_path):
    spec = small_spec(train={"ema": 0.9})
    trained, plain = run(spec, tmp_path / "a"), run(small_spec(), tmp_path / "b")
    tensors, _ = checkpoint._read(tmp_path / "a" / checkpoint.FILE)
    for name, value in trained.model.state_dict().items():
        assert torch.equal(tensors[f"average.{name}"], value)
        assert torch.equal(tensors[f"model.{name}"], plain.model.state_dict()[name])


def test_the_average_leaves_the_module_as_it_was():
    model = nn.Linear(2, 2)
    average, before = WeightAverage(model), copy.deepcopy(model.state_dict())
    with torch.no_grad():
        model.weight += 1.0
    memory, changed = model.weight.data_ptr(), copy.deepcopy(model.state_dict())
    with average.in_module():
        assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert_close(model.state_dict(), changed, rtol=0, atol=0)
    assert model.weight.data_ptr() == memory  # captured steps hold on to it


# ---------------------------------------------------------------- clipping


@pytest.mark.parametrize("limit", [1e-3, 0.05])
def test_clipping_by_value_is_pytorchs(limit):
    spec = small_spec(train={"gradient_clip": {"value": limit}})
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.zeros(4, 3)), nn.Parameter(torch.zeros(5))]
    gradients = [torch.randn(p.shape, generator=generator) for p in parameters]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_value_(parameters, limit)
    clipped = clip_gradients([gradients[0], None, gradients[1]], spec.train.gradient_clip)
    assert clipped[1] is None
    for parameter, found in zip(parameters, (clipped[0], clipped[2]), strict=True):
        assert parameter.grad is not None
        assert found is not None
        assert torch.equal(parameter.grad, found)
        assert found.abs().max() == limit


def test_a_number_clips_by_norm(tmp_path):
    short = small_spec(train={"gradient_clip": 0.5})
    long = small_spec(train={"gradient_clip": {"norm": 0.5}})
    assert short == long
    assert short.canonical()["train"]["gradient_clip"] == 0.5
    state = state_of(short)
    step = EagerStep(short, state, short.loss.build())
    step(Batch(step.prepare(images_of(short))), next(scheduled_values(short, 0, 1)))
    norm = torch.stack([p.grad.norm() for p in state.model.parameters()]).norm().item()
    assert norm == pytest.approx(0.5, rel=1e-4)


# ---------------------------------------------------------------- parts


def test_groups_have_their_own_settings():
    spec = small_spec(
        train={
            "optimizer": {"use": "adamw", "lr": 1e-2},
            "groups": {"decoder": {"lr": 1e-4, "weight_decay": 0.5}},
        }
    )
    state = state_of(spec)
    rates = {group.get("part"): group for group in state.optimizer.param_groups}
    assert rates["decoder"]["params"] == list(state.model.decoder.parameters())
    assert (rates["decoder"]["lr"], rates["decoder"]["weight_decay"]) == (1e-4, 0.5)
    assert (rates[None]["lr"], rates[None]["weight_decay"]) == (1e-2, 0.01)


def test_scheduled_learning_rates_of_groups():
    spec = small_spec(train={"optimizer": {"use": "adam", "lr": 1e-2}, "groups": GROUPS})
    state = state_of(spec)
    step, images = EagerStep(spec, state, spec.loss.build()), images_of(spec)
    second = list(scheduled_values(spec, 1, 2))[1]  # at 1.5 of 3 epochs
    step(Batch(step.prepare(images)), second)
    rates = {group["part"]: group["lr"] for group in state.optimizer.param_groups}
    assert rates == {"encoder": 1e-4, "decoder": pytest.approx(5.5e-3)}


def test_a_group_trains_like_an_optimizer_of_its_own():
    """One step of SGD: θ ← θ − lr · g, with each part's learning rate."""
    spec = small_spec(
        train={
            "optimizer": {"use": "sgd", "lr": 1e-2, "momentum": 0.0},
            "groups": {"decoder": {"lr": 1e-3}},
        }
    )
    state = state_of(spec)
    before = copy.deepcopy(state.model.state_dict())
    step = EagerStep(spec, state, spec.loss.build())
    step(Batch(step.prepare(images_of(spec))), next(scheduled_values(spec, 0, 1)))
    for name, parameter in state.model.named_parameters():
        lr = 1e-3 if name.startswith("decoder") else 1e-2
        assert_close(parameter, before[name] - lr * parameter.grad)


@pytest.mark.parametrize("mode", ["eager", "captured"])
def test_frozen_parts_keep_their_bytes(mode):
    spec = small_spec(train={"freeze": ["encoder"], "ema": 0.9})
    state = state_of(spec)
    state.model.encoder = nn.Sequential(nn.BatchNorm2d(1), state.model.encoder)
    state.model.freeze(["encoder"])
    state.average = WeightAverage(state.model)
    before = copy.deepcopy(state.model.state_dict())
    state.model.train()
    loss, images = spec.loss.build(), images_of(spec)
    step = (
        EagerStep(spec, state, loss)
        if mode == "eager"
        else CompiledStep(spec, state, loss, Batch(images), not_compiled)
    )
    for now in scheduled_values(spec, 0, 3):
        step(Batch(step.prepare(images)), now)
        state.average.update(now.average_decay)
    for name, value in state.model.state_dict().items():
        assert torch.equal(value, before[name]) is name.startswith("encoder"), name
        assert torch.equal(state.average.tensors[name], before[name]) is name.startswith("encoder")
    assert all(parameter.grad is None for parameter in state.model.encoder.parameters())
    assert not any(p in state.optimizer.state for p in state.model.encoder.parameters())


def test_training_leaves_frozen_parts_alone(tmp_path):
    spec = small_spec(train={"freeze": ["decoder"]})
    trained = run(spec, tmp_path)
    initial = run(small_spec(train={"freeze": ["encoder"]}), tmp_path / "other").model
    for name, value in build(spec, seed=_weights_seed(spec)).state_dict().items():
        of = trained.model if name.startswith("decoder") else initial
        assert torch.equal(value, of.state_dict()[name]), name


def _weights_seed(spec):
    from vaezoo.training.loop import stream

    return stream(spec.train.seed, "weights")


@pytest.mark.parametrize(
    ("train", "messages"),
    [
        ({"freeze": ["prior"]}, ["train.freeze names the prior, which has no parameters"]),
        ({"groups": {"posterior": {"lr": 1e-4}}}, ["train.groups names the posterior"]),
        ({"freeze": ["encoder", "decoder"]}, ["every parameter of the model is frozen"]),
        ({"freeze": ["encoder"], "groups": {"decoder": {"lr": 1e-4}}}, []),
    ],
)
def test_settings_of_parts_without_parameters_are_findings(train, messages):
    found = part_findings(small_spec(train=train))
    assert len(found) == len(messages)
    for finding, message in zip(found, messages, strict=True):
        assert finding.code == "VZ402"
        assert message in finding.message


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"freeze": ["encoder", "posterior", "topology", "decoder", "likelihood", "prior"]},
            "every part of the model is frozen",
        ),
        (
            {"freeze": ["encoder"], "groups": {"encoder": {"lr": 1e-4}}},
            "settings for the encoder, which is frozen",
        ),
        ({"groups": {"encoder": {"lrr": 1e-4}}}, "the optimizer 'adam' has no parameter 'lrr'"),
        ({"groups": {"encodr": {}}}, "unknown key 'encodr' in 'train.groups'"),
        ({"freeze": ["encodr"]}, r"'train.freeze\[0\]' must be 'encoder'"),
        ({"groups": 3}, "'train.groups' must be a mapping"),
        ({"gradient_clip": {"norm": 1, "value": 1}}, "clipped by norm or by value"),
        ({"ema": 1}, "'train.ema' must be below 1"),
    ],
)
def test_invalid_options_are_findings(train, message):
    with pytest.raises(SpecError, match=message):
        small_spec(train=train)


def test_canonical_specs_omit_options_that_are_not_used():
    assert json.dumps(small_spec().canonical()) == json.dumps(
        small_spec(
            train={"ema": None, "skip_bad_steps": 0, "groups": {}, "freeze": []}, start_from=None
        ).canonical()
    )
    assert (
        not {"ema", "skip_bad_steps", "groups", "freeze"} & small_spec().canonical()["train"].keys()
    )
    assert "start_from" not in small_spec().canonical()


# ---------------------------------------------------------------- rmsprop


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_update_of_rmsprop_is_pytorchs(centered, momentum):
    generator = torch.Generator().manual_seed(0)
    one = [torch.randn(4, 3, generator=generator).double() for _ in range(2)]
    other = [value.clone().requires_grad_() for value in one]
    options = {"lr": 1e-2, "alpha": 0.9, "centered": centered, "momentum": momentum}
    reference = torch.optim.RMSprop(other, **options)
    own = torch.optim.RMSprop([value.requires_grad_() for value in one], **options)
    update = optimizer_update(own, one)
    for step in range(8):
        gradients = [torch.randn(4, 3, generator=generator).double() for _ in one]
        for parameter, gradient in zip(other, gradients, strict=True):
            parameter.grad = gradient
        reference.step()
        scalars = torch.tensor(update.scalars(lambda part: 1e-2), dtype=torch.float64).unbind()
        with torch.no_grad():
            update.apply([v.detach() for v in one], gradients, update.state, scalars)
        update.after_apply()
        for value, expected in zip(one, other, strict=True):
            assert_close(value, expected, rtol=1e-10, atol=1e-12)
        assert own.state[one[0]]["step"].item() == step + 1
    for value, expected in zip(one, other, strict=True):
        for name, average in reference.state[expected].items():
            assert_close(own.state[value][name], average, check_dtype=False)
