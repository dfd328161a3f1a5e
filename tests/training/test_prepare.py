"""Problems with a run's data are reported before training."""

from __future__ import annotations

import hashlib
import math
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from tests.helpers import registry_with, spec_data
from vaezoo.diagnostics import DataError, DiagnosticWarning, SpecError
from vaezoo.registry import (
    DataFacts,
    Dataset,
    Decoder,
    Encoder,
    EvaluationContext,
    Figure,
    ImageData,
    ImageShape,
    Metric,
    Split,
    Visualizer,
)
from vaezoo.registry.module_contracts import Shape
from vaezoo.spec import Spec, from_data
from vaezoo.system.torchrun import Processes
from vaezoo.training.prepare import load_for_training


class Noise(Dataset, use="noise"):
    """Gray noise with a given number of images."""

    train: int = 33
    test: int = 6
    channels: int = 1
    labelled: bool = True
    test_classes: int = 3

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(self.channels, 6, 6)

    def build(self) -> ImageData:
        generator = torch.Generator().manual_seed(0)
        train, test = (
            Split(
                torch.randint(
                    0, 256, (count, *self.image_shape), generator=generator, dtype=torch.uint8
                ),
                torch.arange(count) % classes if self.labelled else None,
            )
            for count, classes in ((self.train, 3), (self.test, self.test_classes))
        )
        names = ("a", "b", "c") if self.labelled else ()
        digest = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return ImageData(train, test, names, digest)


class Normed(Encoder, use="normed"):
    """Dense, with batch normalization."""

    def build(self, image: ImageShape, output: Shape) -> nn.Module:
        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                size = image.channels * image.height * image.width
                self.body = nn.Sequential(nn.Linear(size, 8), nn.BatchNorm1d(8))
                self.head = nn.Linear(8, math.prod(output))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.head(self.body(x.flatten(1))).unflatten(1, output)

        return Net()


class NormedOut(Decoder, use="normed_out"):
    """Dense, with batch normalization."""

    def build(self, latents: Shape, output: ImageShape) -> nn.Module:
        size = output.channels * output.height * output.width
        layers = (
            nn.Linear(math.prod(latents), size),
            nn.BatchNorm1d(size),
            nn.Unflatten(1, tuple(output)),
        )
        return nn.Sequential(*layers)


class Picky(Metric, use="picky"):
    """Declares that it needs labels."""

    needs = ("images", "labels")

    def compute(self, context: EvaluationContext) -> list[Figure]:
        return []


class PickyPicture(Visualizer, use="picky_picture"):
    """Declares that it needs ten test images."""

    def data_problem(self, spec: Spec, data: DataFacts) -> str | None:
        return f"ten are shown, and there are {data.test}" if data.test < 10 else None

    def draw(self, context: EvaluationContext) -> Any:
        raise AssertionError


def spec_of(dataset: dict[str, Any] | None = None, **changes: Any) -> Spec:
    registry = registry_with(Noise, Normed, NormedOut, Picky, PickyPicture)
    data = spec_data(dataset={"use": "noise", **(dataset or {})}, **changes)
    return from_data(data, registry)


def warned(spec: Spec) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DiagnosticWarning)
        load_for_training(spec)
    return "\n".join(str(one.message) for one in caught)


def test_valid_data_give_no_warning() -> None:
    assert warned(spec_of()) == ""


def test_a_batch_larger_than_the_training_split() -> None:
    said = warned(spec_of({"train": 49}, train={"batch_size": 128, "validation": 0}))
    assert "the batch size 128 exceeds the training split of 49 images" in said
    assert "each epoch is one step" in said
    assert warned(spec_of(train={"batch_size": 33, "validation": 0})) == ""


def test_classes_without_test_images() -> None:
    said = warned(spec_of({"test_classes": 1}))
    assert "the test split has no image of 2 of 3 classes: b, c" in said


def test_too_few_images_to_split() -> None:
    with pytest.raises(DataError, match=r"has 1 image, too few for train\.validation: 0\.25"):
        load_for_training(spec_of({"train": 1}))
    assert "exceeds the training split of 1 image: " in warned(
        spec_of({"train": 1}, train={"validation": 0})
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"metrics": ["elbo", "linear_probe"]},
            "'linear_probe' does not support the dataset: it needs labels",
        ),
        ({"metrics": ["nearest_neighbours"]}, "'nearest_neighbours' .* needs labels"),
        (
            {"metrics": ["picky"]},
            "the metric 'picky' does not support the dataset: it needs labels",
        ),
        ({"metrics": ["sample_quality"]}, "it needs a classifier of the images, but 'noise' has"),
        (
            {"visualizers": ["picky_picture"]},
            "does not support the dataset: ten are shown, and there are 6",
        ),
        ({"visualizers": [{"use": "traversals", "image": 6}]}, "image 6, but the test split has 6"),
    ],
)
def test_unsupported_metrics_and_visualizers_are_refused(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError, match=f"VZ402: .*{words}"):
        load_for_training(spec_of({"labelled": False}, **changes))


def test_pictures_of_two_channels() -> None:
    changes: dict[str, Any] = {"visualizers": ["samples", "loss_curves", "reconstructions"]}
    with pytest.raises(SpecError) as caught:
        load_for_training(spec_of({"channels": 2}, **changes))
    told = [finding.message for finding in caught.value.diagnostics]
    assert [text.split("'")[1] for text in told] == ["samples", "reconstructions"]
    assert all("it cannot draw images with 2 channels" in text for text in told)


@pytest.mark.parametrize(
    ("model", "kind"),
    [({"encoder": "normed"}, "encoder 'normed'"), ({"decoder": "normed_out"}, "decoder 'normed_o")],
)
@pytest.mark.parametrize(("size", "other"), [(8, 7), (1, 3), (16, 15), (32, 31)])
def test_a_component_that_fails_on_a_batch_of_one_image(
    model: dict[str, Any], kind: str, size: int, other: int
) -> None:
    def of_size(size: int) -> Spec:
        return spec_of(model=model, train={"batch_size": size, "validation": 0})

    with pytest.raises(SpecError, match=f"VZ402: the {kind}.*33 training images") as caught:
        load_for_training(of_size(size))
    assert f"set train.batch_size to {other}, or" in str(caught.value)
    assert warned(of_size(other)) == ""


def test_a_batch_of_one_image_without_problems() -> None:
    assert warned(spec_of(train={"batch_size": 8, "validation": 0})) == ""


def test_batches_are_shared_by_processes() -> None:
    spec = spec_of({"train": 34}, model={"encoder": "normed"}, train={"batch_size": 8})
    whole = spec.model_copy(update={"train": spec.train.model_copy(update={"validation": 0})})
    load_for_training(whole)
    with pytest.raises(SpecError, match="in batches of 8, shared by 2 processes"):
        load_for_training(whole, Processes(count=2))
