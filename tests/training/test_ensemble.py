"""Members that train together have the results of their own runs."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.helpers import small_spec
from vaezoo.model import build
from vaezoo.registry import Batch
from vaezoo.system import safetensors_io
from vaezoo.training import Observer, train
from vaezoo.training.checkpoint import FILE
from vaezoo.training.ensemble.stacked import StackedStep
from vaezoo.training.ensemble.state import Stack
from vaezoo.training.ensemble.train import ensemble_problem, train_together
from vaezoo.training.execution.compiled import CompiledStep
from vaezoo.training.execution.graph_capture import NotCapturable

CPU = torch.device("cpu")


@pytest.fixture
def at_once(monkeypatch):
    """Train members at once, as on a GPU."""
    monkeypatch.setattr("vaezoo.training.ensemble.train._trains_in_turn", lambda device: False)


def slow(case):
    return pytest.param(case, marks=pytest.mark.slow)


#: The last of the 72 images' batches holds 4.
TRAIN = {"epochs": 3, "batch_size": 17}


def members(**train):
    """Three members that differ in seed, β and learning rate."""
    several = []
    for number, (seed, beta, lr) in enumerate([(0, 1.0, 1e-2), (1, 4.0, 1e-3), (7, 0.5, 5e-3)]):
        optimizer = {**train.get("optimizer", {"use": "adam"}), "lr": lr}
        plan = {**TRAIN, **train, "seed": seed, "optimizer": optimizer}
        several.append(
            small_spec(name=f"member{number}", train=plan, loss={"use": "elbo", "beta": beta})
        )
    return several


def together(specs, folder, observer=None, compile="auto"):
    return train_together(
        specs,
        device=CPU,
        directory=folder,
        folder_of=lambda spec: folder / spec.name,
        observer=observer or Observer(),
        compile=compile,
    )


def alone(spec, directory, compile="auto"):
    data = spec.dataset.build()
    observer = Observer()
    return train(spec, data, device=CPU, directory=directory, observer=observer, compile=compile)


def assert_alike(specs, folder):
    """Compare each member's checkpoint with its own run."""
    for spec in specs:
        assert (folder / spec.name / FILE).is_file()
        found = alone(spec, folder / spec.name)  # nothing is left to train
        expected = alone(spec, folder / "alone" / spec.name)
        assert len(found.history) == spec.train.epochs
        for one, other in zip(found.history, expected.history, strict=True):
            assert one.train == pytest.approx(other.train, rel=1e-4)
            assert (one.validation or {}) == pytest.approx(other.validation or {}, rel=1e-4)
            assert one.weights == other.weights
            assert one.learning_rate == other.learning_rate
        assert_close(found.model.state_dict(), expected.model.state_dict(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "train",
    [
        {},
        {"gradient_clip": 5.0},
        slow({"optimizer": {"use": "adamw", "weight_decay": 0.1}}),
        slow({"optimizer": {"use": "sgd", "nesterov": True}, "gradient_clip": 1.0}),
        slow({"validation": 0.0}),
        slow({"ema": {"decay": 0.9, "start": 0.5}, "gradient_clip": {"value": 0.01}}),
        slow({"optimizer": {"use": "rmsprop", "momentum": 0.5}, "freeze": ["encoder"], "ema": 0.9}),
    ],
    ids=["adam", "clipped", "adamw", "sgd", "no validation", "averaged", "frozen"],
)
def test_each_member_equals_its_own_run(tmp_path, train, at_once):
    specs = members(**train)
    assert together(specs, tmp_path) is None
    assert_alike(specs, tmp_path)


@pytest.mark.parametrize(
    "parts",
    [
        {
            "encoder": {"use": "conv", "channels": [4]},
            "decoder": {"use": "conv_transpose", "channels": [4]},
        },
        {"likelihood": "gaussian"},
        slow({"likelihood": "continuous_bernoulli"}),
    ],
    ids=["convolutions", "learned scale", "continuous"],
)
def test_other_architectures(tmp_path, parts, at_once):
    specs = [small_spec(name=f"s{n}", model=parts, train={**TRAIN, "seed": n}) for n in (0, 1)]
    assert together(specs, tmp_path) is None
    assert_alike(specs, tmp_path)


def test_schedules_and_free_bits(tmp_path, at_once):
    loss = {"use": "elbo", "beta": {"linear": [0, 1], "epochs": 2}, "free_bits": 0.05}
    lr = {"cosine": [1e-2, 1e-3], "epochs": 3}
    specs = [
        small_spec(
            name=f"s{n}",
            loss=loss,
            train={**TRAIN, "seed": n, "optimizer": {"use": "adam", "lr": lr}},
        )
        for n in (0, 1)
    ]
    assert together(specs, tmp_path) is None
    assert_alike(specs, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "train",
    [
        {},
        {"optimizer": {"use": "sgd"}, "gradient_clip": 1.0, "validation": 0.0},
        {"ema": 0.9, "freeze": ["encoder"], "groups": {"decoder": {"lr": 1e-4}}},
    ],
    ids=str,
)
def test_round_robin_members_have_the_weights_of_their_own_runs(tmp_path, train):
    specs = members(**train)
    assert together(specs, tmp_path) is None
    for spec in specs:
        own = tmp_path / "alone" / spec.name
        expected = alone(spec, own)
        assert alone(spec, tmp_path / spec.name).history[-1].train == expected.history[-1].train
        digests = [
            safetensors_io.digest(safetensors_io.load(f / FILE)[0])
            for f in (own, tmp_path / spec.name)
        ]
        assert digests[0] == digests[1]


def test_batch_normalization_needs_round_robin(tmp_path, monkeypatch, request):
    def with_averages(spec, seed):
        model = build(spec, seed=seed)
        model.encoder = nn.Sequential(nn.BatchNorm2d(model.image_shape[0]), model.encoder)
        return model

    monkeypatch.setattr("vaezoo.training.loop.build", with_averages)
    specs = members()
    assert together(specs, tmp_path) is None
    assert_alike(specs, tmp_path)
    request.getfixturevalue("at_once")
    assert "batch normalization" in together(specs, tmp_path / "again")


@pytest.mark.slow
@pytest.mark.parametrize("same", ["bytes", "figures"])
def test_members_share_one_program(tmp_path, monkeypatch, same):
    """Without the compiler: the captured graph runs as it is."""
    made = []

    def as_it_is(graph, inputs):
        made.append(graph)
        return graph

    monkeypatch.setattr(CompiledStep.__init__, "__defaults__", (as_it_is, None))
    specs = members()
    if same == "bytes":  # weights of the loss that differ are numbers in the program
        specs = [small_spec(name=f"s{n}", train={**TRAIN, "seed": n}) for n in (0, 1, 7)]
    assert together(specs, tmp_path, compile="on") is None
    assert len(made) == 1
    for spec in specs:
        found = alone(spec, tmp_path / spec.name)
        assert found.execution.compiled
        assert len(made) == 1 + specs.index(spec)  # a finished run makes no program
        expected = alone(spec, tmp_path / "alone" / spec.name, compile="on")
        state, own = found.model.state_dict(), expected.model.state_dict()
        if same == "bytes":
            assert safetensors_io.digest(state) == safetensors_io.digest(own)
        assert_close(state, own, rtol=1e-3, atol=1e-5)


class StopAfter(Observer):
    def __init__(self, epoch):
        self.epoch = epoch

    def finished_epoch(self, record):
        if record.epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("how", ["in turn", "at once"])
def test_a_resumed_ensemble_has_the_same_weights(tmp_path, how, request):
    if how == "at once":
        request.getfixturevalue("at_once")
    specs = members()
    assert together(specs, tmp_path / "straight") is None
    with pytest.raises(KeyboardInterrupt):
        together(specs, tmp_path / "stopped", StopAfter(2))
    seen = []

    class Watch(Observer):
        def started(self, spec, model, epochs_done, images):
            seen.append((epochs_done, images))

    assert together(specs, tmp_path / "stopped", Watch()) is None
    assert seen == [(2, 3 * 72)]
    for spec in specs:
        straight, stopped = (alone(spec, tmp_path / f / spec.name) for f in ("straight", "stopped"))
        for name, value in straight.model.state_dict().items():
            assert torch.equal(value, stopped.model.state_dict()[name])


@pytest.mark.parametrize("how", ["in turn", "at once"])
def test_a_diverged_member_leaves_no_checkpoint(tmp_path, how, request):
    if how == "at once":
        request.getfixturevalue("at_once")
    optimizer = {"use": "sgd", "lr": 1e6}
    wild = small_spec(name="wild", train={**TRAIN, "optimizer": optimizer})
    tame = small_spec(name="tame", train={**TRAIN, "optimizer": {**optimizer, "lr": 1e-4}})
    assert together([wild, tame], tmp_path) is None
    assert not (tmp_path / "wild").exists()
    assert_alike([tame], tmp_path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": {"latent": 3}}, "differ in more than seeds"),
        ({"train": {**TRAIN, "batch_size": 9}}, "differ in more than seeds"),
        ({"train": {**TRAIN, "optimizer": "adamw"}}, "differ in more than seeds"),
        ({"loss": {"use": "elbo", "beta": 0.0}}, "differ in more than seeds"),
        ({"train": {**TRAIN, "seed": 4}, "loss": {"use": "elbo", "beta": 3.0}}, None),
    ],
)
def test_members_of_one_architecture_train_together(changes, why):
    reason = ensemble_problem([small_spec(train=TRAIN), small_spec(**{"train": TRAIN, **changes})])
    assert (why is None) == (reason is None)
    assert why is None or why in reason


def test_early_stopping_and_a_single_member_cannot_train_together():
    stopping = small_spec(train={**TRAIN, "early_stopping": {"patience": 1}})
    assert "early stopping" in ensemble_problem([stopping, stopping])
    assert "only one member" in ensemble_problem([small_spec()])


def test_dynamic_binarization_cannot_train_together(tmp_path, monkeypatch):
    specs = members()
    data = specs[0].dataset.build()
    how = data.binarization.model_copy(update={"use": "dynamic"})
    drawn = dataclasses.replace(data, binarization=how)
    monkeypatch.setattr(type(specs[0].dataset), "build", lambda self: drawn)
    assert "dynamic binarization" in together(specs, tmp_path)


def step_of(specs, change):
    """A step over members with changed models."""
    models = [change(build(spec, seed=1)) for spec in specs]
    stack = Stack(models)
    noise = [torch.Generator().manual_seed(n) for n in range(len(specs))]
    optimizer = torch.optim.Adam(stack.parameters())
    images = torch.stack([specs[0].dataset.build().train.images[:8]] * len(specs))
    step = StackedStep(specs, stack, models[0], specs[0].loss.build(), optimizer, noise)
    return lambda: step(Batch(images), 0.0)


class Branching(nn.Module):
    """Branches on a tensor value, which vmap does not support."""

    def forward(self, images):
        return images if images.mean().item() < 2 else -images


class Noisy(nn.Module):
    """Draws from PyTorch's own generator."""

    def forward(self, images):
        return images + torch.rand_like(images)


@pytest.mark.parametrize("part", [Branching(), Noisy()], ids=lambda part: type(part).__name__)
def test_components_that_cannot_be_mapped_are_refused(part):
    def change(model):
        model.encoder = nn.Sequential(part, model.encoder)
        return model

    with pytest.raises(NotCapturable, match=r"\w+ \w+"):
        step_of(members(), change)()


def test_an_unsupported_optimizer_is_refused():
    specs = members()
    models = [build(spec) for spec in specs]
    stack = Stack(models)
    with pytest.raises(NotCapturable, match="Adagrad cannot be mapped"):
        StackedStep(
            specs,
            stack,
            models[0],
            specs[0].loss.build(),
            torch.optim.Adagrad(stack.parameters()),
            [torch.Generator()] * 3,
        )


def test_groups_are_not_mapped(tmp_path, at_once):
    reason = together(members(groups={"decoder": {"lr": 1e-4}}), tmp_path)
    assert reason == "groups of parameters cannot be mapped over members"


def test_skipped_steps_need_runs_of_their_own():
    assert "skip_bad_steps" in (ensemble_problem(members(skip_bad_steps=1)) or "")


def test_the_reported_speed_counts_all_members(tmp_path):
    class Recording(Observer):
        def __init__(self):
            self.records = []

        def finished_epoch(self, record):
            self.records.append(record)

    specs, recording = members(), Recording()
    assert together(specs, tmp_path, recording) is None
    trained_on = len(recording.records) * len(specs) * 72
    assert len(recording.records) == specs[0].train.epochs
    seen = sum(record.images_per_second * record.seconds for record in recording.records)
    assert seen == pytest.approx(trained_on)
    own = [line for spec in specs for line in alone(spec, tmp_path / spec.name).history]
    # they trained in turn, so all together took longer than each
    assert (
        sum(record.seconds for record in recording.records)
        > sum(line.seconds for line in own) * 0.99
    )
