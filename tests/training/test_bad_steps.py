"""Skipped steps: a bad batch changes nothing, is recorded, and too many are an error."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.helpers import registry_with, small_spec, spec_data
from tests.runs.blobs_plugin import Blobs
from tests.training.test_loop import StopAfter, digest, run
from tests.training.test_train_options import images_of, state_of
from vaezoo import Batch
from vaezoo.components.losses import ELBOLoss
from vaezoo.diagnostics import DivergenceError, RunError
from vaezoo.spec import from_data
from vaezoo.training import Observer, checkpoint
from vaezoo.training.build_optimizer import build_optimizer
from vaezoo.training.epoch import scheduled_values
from vaezoo.training.execution.choose_step import choose_step
from vaezoo.training.execution.eager import EagerStep


class Fragile(ELBOLoss, use="fragile"):
    """Not finite in training on batches with a dark image."""

    def build(self):
        return FragileObjective(super().build())


class FragileObjective(nn.Module):
    darkest = 0.0

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, model, batch, weights, generator):
        terms = self.inner(model, batch, weights, generator)
        if not model.training:
            return terms
        is_bad = batch.images.flatten(1).mean(1).min() <= self.darkest
        return terms | {"objective": terms["objective"] * torch.where(is_bad, torch.nan, 1.0)}


def fragile_spec(**train):
    return from_data(spec_data(loss="fragile", train=train), registry_with(Blobs, Fragile))


@pytest.fixture
def one_bad_batch(monkeypatch):
    """The darkest training image makes the one batch of each epoch that has it bad."""
    means = images_of(small_spec(), None).float().flatten(1).mean(1) / 255
    monkeypatch.setattr(FragileObjective, "darkest", means.sort().values[1].item() + 1e-6)


def test_a_bad_step_changes_nothing(monkeypatch):
    spec = fragile_spec(skip_bad_steps=1)
    state = state_of(spec)
    state.model.encoder = nn.Sequential(nn.BatchNorm2d(1), state.model.encoder)
    state.optimizer = build_optimizer(spec.train, state.model.named_parameters())
    step, images = EagerStep(spec, state, spec.loss.build()), images_of(spec).float() / 255
    now = next(scheduled_values(spec, 0, 1))
    step(Batch(images), now)
    before, _ = checkpoint._split_optimizer(copy.deepcopy(state.optimizer.state_dict()))
    weights = copy.deepcopy(state.model.state_dict())
    assert not step(Batch(images * 0), now).any()
    assert state.skipped == checkpoint.SkippedSteps(1, 1, 16)
    after, _ = checkpoint._split_optimizer(state.optimizer.state_dict())
    assert_close(after, before, rtol=0, atol=0)
    assert_close(state.model.state_dict(), weights, rtol=0, atol=0)
    assert step(Batch(images * 0), now).isnan().any()  # the second in a row is not skipped


def test_a_gradient_that_is_not_finite_is_skipped():
    spec = small_spec(train={"skip_bad_steps": 1, "gradient_clip": {"value": 0.1}})
    state = state_of(spec)
    next(state.model.decoder.parameters()).register_hook(lambda gradient: gradient * torch.inf)
    step, weights = (
        EagerStep(spec, state, spec.loss.build()),
        copy.deepcopy(state.model.state_dict()),
    )
    step(Batch(step.prepare(images_of(spec))), next(scheduled_values(spec, 0, 1)))
    assert state.skipped.steps == 1
    assert_close(state.model.state_dict(), weights, rtol=0, atol=0)


class Warned(Observer):
    def __init__(self):
        self.warnings = []

    def warned(self, message):
        self.warnings.append(message)


def test_skipped_steps_are_recorded_and_resume_alike(tmp_path, one_bad_batch):
    spec = fragile_spec(skip_bad_steps=2, ema=0.9)
    warned = Warned()
    straight = run(spec, tmp_path / "straight", warned)
    skipped = [record.skipped_steps for record in straight.history]
    assert sum(skipped) > 0
    assert len(warned.warnings) == sum(count > 0 for count in skipped)
    assert "skipped" in warned.warnings[0]
    assert all(record.train["objective"] > 0 for record in straight.history)
    assert "skip_bad_steps" in straight.execution.reason
    with pytest.raises(KeyboardInterrupt):
        run(spec, tmp_path / "stopped", StopAfter(1))
    resumed = run(spec, tmp_path / "stopped")
    assert digest(resumed) == digest(straight)
    assert [record.skipped_steps for record in resumed.history] == skipped
    with pytest.raises(DivergenceError, match="VZ603"):
        run(fragile_spec(), tmp_path / "unskipped")


def test_too_many_bad_steps_in_a_row_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(FragileObjective, "darkest", 1.0)  # every batch
    with pytest.raises(DivergenceError, match=r"VZ603.*step 4 of epoch 1"):
        run(fragile_spec(skip_bad_steps=3, validation=0), tmp_path / "a")
    with pytest.raises(DivergenceError, match="VZ603"):
        run(fragile_spec(skip_bad_steps=1000, validation=0), tmp_path / "b")


def test_a_record_without_skipped_steps_has_no_key_for_them(tmp_path):
    record = run(small_spec(), tmp_path).history[0]
    assert list(record.to_data()) == [
        *("epoch", "train", "validation", "weights"),
        *("learning_rate", "seconds", "images_per_second"),
    ]


def test_skipping_refuses_compiled_steps():
    spec = fragile_spec(skip_bad_steps=1)
    state, loss = state_of(spec), spec.loss.build()
    with pytest.raises(RunError, match=r"VZ608.*skip_bad_steps"):
        choose_step(spec, state, loss, images_of(spec), "on", Observer())
