"""Modules that ask for it see the training images before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import registry_with, spec_data
from tests.runs.blobs_plugin import Blobs
from vaezoo import Batch, Decoder, Loss, TrainingImages
from vaezoo.diagnostics import SpecError
from vaezoo.runs.run import run
from vaezoo.spec import Spec, from_data
from vaezoo.testing import require_exact_resume
from vaezoo.training import Observer, load_for_training, train
from vaezoo.training.loop import initial_model, training_images

CPU = torch.device("cpu")
IMAGES = 72  # three quarters of 96


class Mean(nn.Module):
    """A linear map whose initial output is the mean image, as in the IWAE authors' code."""

    def __init__(self, latents: int, output: Any) -> None:
        super().__init__()
        self.linear = nn.Linear(latents, output.height * output.width)
        self.output = tuple(output)
        self.draw = 0.0

    def init_from_data(self, data: TrainingImages) -> None:
        assert data.count == IMAGES
        assert data.class_names == ("a", "b", "c", "d")
        assert data.labels is not None
        torch.testing.assert_close(data.mean, data.images(slice(None)).mean(0))
        torch.testing.assert_close(data.images(torch.tensor([3]))[0], data.images(slice(3, 4))[0])
        self.linear.weight.zero_()
        self.linear.bias.copy_(torch.logit(data.mean.flatten(), 1e-3))
        self.draw = torch.rand(()).item()

    def forward(self, z: Tensor) -> Tensor:
        return self.linear(z).unflatten(1, self.output)


class MeanDecoder(Decoder, use="mean"):
    """Starts at the mean image."""

    def build(self, latents: Any, output: Any) -> nn.Module:
        return nn.Sequential(Mean(latents[0], output))


class Counting(nn.Module):
    """The ELBO, with a KL weight that needs the number of images: 1 for all of them."""

    count = 0

    def init_from_data(self, data: TrainingImages) -> None:
        self.count = data.count

    def forward(
        self, model: Any, batch: Batch, weights: Mapping[str, float], generator: torch.Generator
    ) -> dict[str, Tensor]:
        trace = model.trace(batch, generator)
        objective = trace.reconstruction + trace.kl * self.count / max(self.count, 1)
        return {"objective": objective, "reconstruction": trace.reconstruction, "kl": trace.kl}


class CountingLoss(Loss, use="counting"):
    """Needs the number of images."""

    def build(self) -> Any:
        return Counting()


class Failing(MeanDecoder, use="failing"):
    """Cannot learn from images."""

    def build(self, latents: Any, output: Any) -> nn.Module:
        module = Mean(latents[0], output)
        module.init_from_data = lambda data: 1 / 0  # type: ignore[assignment]
        return module


REGISTRY = registry_with(Blobs, MeanDecoder, CountingLoss, Failing)


def spec_of(**changes: Any) -> Spec:
    return from_data(spec_data(model={"decoder": "mean"}, **changes), REGISTRY)


def test_the_first_output_is_the_mean_image() -> None:
    spec = spec_of()
    data = training_images(spec, load_for_training(spec))
    model = initial_model(spec, CPU, None, data)
    torch.testing.assert_close(model.decode(torch.randn(1, 2))[0], data.mean, atol=1e-3, rtol=0)


def test_the_seed_decides_what_is_drawn() -> None:
    drawn = []
    for seed in (0, 0, 1):
        spec = spec_of(train={"seed": seed})
        data = training_images(spec, load_for_training(spec))
        decoder: Any = initial_model(spec, CPU, None, data).decoder
        drawn.append(decoder[0].draw)
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_loss_sees_them_in_each_start(tmp_path: Path) -> None:
    spec = spec_of(loss="counting")
    require_exact_resume(spec, tmp_path / "resumed")
    data = load_for_training(spec)
    plain = train(
        spec_of(), data, device=CPU, directory=tmp_path / "plain", observer=Observer()
    ).model.state_dict()
    counting = train(
        spec, data, device=CPU, directory=tmp_path / "counting", observer=Observer()
    ).model.state_dict()
    assert all(torch.equal(counting[name], values) for name, values in plain.items())


def test_a_trained_model_is_loaded_without_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = run(spec_of(), zoo=tmp_path / "zoo", registry=REGISTRY)
    monkeypatch.setattr(Mean, "init_from_data", lambda self, data: 1 / 0)
    assert entry.load(REGISTRY).sample(3).shape == (3, 1, 6, 6)


def test_a_failure_names_the_component() -> None:
    spec = from_data(spec_data(model={"decoder": "failing"}), REGISTRY)
    with pytest.raises(SpecError, match="the decoder 'failing' of the plugin tests 1 failed to"):
        load_for_training(spec)
