"""Steps, batches, patience and pictures."""

from __future__ import annotations

import pytest

from tests.helpers import registry_with
from vaezoo.registry import Optimizer, Visualizer
from vaezoo.spec.spec import Spec, TrainSpec


@pytest.mark.parametrize("patience", [29, 30, 1000])
def test_patience_longer_than_the_run_is_a_warning(found, patience: int) -> None:
    (warning,) = found(f"train.early_stopping.patience={patience}")
    assert warning.code == "VZ419"
    assert f"a patience of {patience}" in warning.message


@pytest.mark.parametrize("change", ["train.early_stopping.patience=28", "train.early_stopping={}"])
def test_patience_within_the_run_is_fine(codes, change: str) -> None:
    assert codes(change) == []


def test_patience_is_not_checked_without_validation(codes) -> None:
    assert codes("train.early_stopping.patience=30", "train.validation=0") == ["VZ402"]


def test_a_manifold_of_twelve_latents_gives_a_warning(found) -> None:
    (warning,) = found("visualizers=[samples, manifold]")
    assert warning.code == "VZ418"
    assert "shows 2 of 12 latents and sets the other 10 to 0" in warning.message
    assert warning.span.start.column == len("visualizers=[samples, ") + 1 + len("--set ")


@pytest.mark.parametrize("latent", [1, 2])
def test_a_plane_of_few_latents_is_fine(codes, latent: int) -> None:
    assert codes("visualizers=[manifold]", f"model.latent={latent}") == []


class Cube(Visualizer, use="cube"):
    def problem(self, spec: Spec) -> str | None:
        return None if spec.model.latent == 3 else "a cube has three sides"

    def draw(self, context):
        raise NotImplementedError


def test_a_plugin_may_say_what_its_picture_needs(found) -> None:
    registry = registry_with(Cube)
    (warning,) = found("visualizers=[cube]", registry=registry)
    assert (warning.code, warning.message) == ("VZ418", "a cube has three sides")
    assert found("visualizers=[cube]", "model.latent=3", registry=registry) == []


class Careful(Optimizer, use="careful"):
    lr: float = 0.5

    def highest_lr(self, plan: TrainSpec) -> float | None:
        return 1.0 if plan.batch_size >= 10 else 0.4

    def build(self, parameters, lr):
        raise NotImplementedError


def test_a_plugin_may_say_how_far_its_optimizer_goes(codes) -> None:
    registry = registry_with(Careful)
    assert codes("train.optimizer=careful", registry=registry) == []
    assert codes("train.optimizer={use: careful, lr: 1.0}", registry=registry) == ["VZ414"]
    small = ("train.optimizer=careful", "train.batch_size=9")
    assert codes(*small, registry=registry) == ["VZ415"]


@pytest.mark.parametrize(
    ("optimizer", "batch_size", "codes_"),
    [
        ("{use: adam, lr: 1e-2}", 128, []),
        ("{use: adam, lr: 0.05}", 128, ["VZ414"]),
        ("{use: adamw, lr: 0.05}", 128, ["VZ414"]),
        ("{use: adam, lr: {linear: [1e-5, 0.1], epochs: 10}}", 128, ["VZ414"]),
        ("{use: adam, lr: 1e-3}", 1, []),
        ("{use: sgd, lr: 1e-3}", 64, []),
        ("{use: sgd, lr: 1e-2}", 64, ["VZ414"]),
        ("{use: sgd, lr: 1e-2, momentum: 0.0}", 64, []),
        ("{use: sgd, lr: 0.1, momentum: 0.0}", 4096, ["VZ414"]),
        ("{use: sgd, lr: 1e-3}", 6, ["VZ415"]),
        ("{use: sgd, lr: 1e-3}", 8, []),
        ("{use: sgd, lr: 1e-4}", 1, []),
    ],
)
def test_steps_that_fail_are_doubted(codes, optimizer: str, batch_size: int, codes_) -> None:
    changes = (f"train.optimizer={optimizer}", f"train.batch_size={batch_size}")
    assert codes(*changes) == codes_


def test_clipped_gradients_bear_any_step_of_sgd(codes) -> None:
    clip = "train.gradient_clip=10"
    assert codes("train.optimizer={use: sgd, lr: 1e-2}", "train.batch_size=1", clip) == []
    assert codes("train.optimizer={use: adam, lr: 1.0}", clip) == ["VZ414"]
