"""Faults of metrics, visualizers and datasets, each found by the check for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.conformance.faults import check, fails
from vaezoo import (
    Dataset,
    Figure,
    ImageData,
    ImageShape,
    Metric,
    Quantity,
    Split,
    Visualizer,
)
from vaezoo.components.optimizers import SGD
from vaezoo.testing import EncoderConformance
from vaezoo.testing.conformance.outcome import Declined


class Constant(Metric, use="constant"):
    """A figure; the subclasses have faults."""

    figures = (Quantity("constant", "higher", unit="none"),)

    def figure(self, context: Any) -> Figure:
        return Figure("constant", 1.0, "none", context.split_name, "", "", 0, len(context.split))

    def compute(self, context: Any) -> list[Figure]:
        return [self.figure(context)]


def test_metrics_that_contradict_their_declarations() -> None:
    class Undeclared(Constant, use="undeclared"):
        """Another name."""

        figures = (Quantity("other", "higher", unit="none"),)

    class Random(Constant, use="random"):
        """Draws its figure."""

        def figure(self, context: Any) -> Figure:
            return Figure("constant", torch.rand(()).item(), "none", "test", "", "", 0, 1)

    class Trains(Constant, use="trains"):
        """Changes what it measures."""

        def compute(self, context: Any) -> list[Figure]:
            with torch.no_grad():
                for parameter in context.model.parameters():
                    parameter.zero_()
            return super().compute(context)

    check(Constant(), "figures")
    fails(Undeclared(), "figures", "declares other")
    fails(Random(), "same_context_same_result", "two results")
    fails(Random(), "leaves_the_model_unchanged", "global generator")
    fails(Trains(), "leaves_the_model_unchanged", "changes the model")
    with pytest.raises(Declined, match="got 0 examples"):
        check(Constant(), "reports_progress")


def test_visualizers_that_draw_nothing_or_in_public() -> None:
    class Blank(Visualizer, use="blank"):
        """An empty figure."""

        def draw(self, context: Any) -> Any:
            from matplotlib.figure import Figure

            return Figure()

    class Public(Visualizer, use="public"):
        """Uses pyplot."""

        def draw(self, context: Any) -> Any:
            from matplotlib import pyplot

            figure, axes = pyplot.subplots()
            axes.plot([0, 1])
            return figure

    fails(Blank(), "gives_a_figure", "empty")
    fails(Public(), "leaves_global_state_unchanged", "pyplot")
    from matplotlib import pyplot

    pyplot.close("all")


def dataset(**changes: Any) -> Dataset:
    class Faulty(Dataset, use="faulty"):
        """Has a fault."""

        @property
        def image_shape(self) -> ImageShape:
            return ImageShape(1, 4, 4)

        @property
        def binary(self) -> bool | None:
            return changes.get("binary")

        def build(self) -> ImageData:
            generator = torch.Generator().manual_seed(0)
            images = torch.randint(0, 256, (6, 1, 4, 4), generator=generator)
            images = changes.get("images", lambda x: x.to(torch.uint8))(images)
            split = Split(images, changes.get("labels", torch.arange(6) % 2))
            return ImageData(split, split, ("a", "b"), changes.get("digest", "0" * 64))

    return Faulty()


def test_datasets_that_are_not_what_they_say() -> None:
    for name in ("image_shape", "images", "labels", "digest"):
        check(dataset(), name)
    fails(dataset(images=lambda x: x / 255), "images", "torch.float32")
    fails(dataset(images=lambda x: (x // 255).to(torch.uint8)), "images", "above 1")
    wide = dataset(images=lambda x: x.repeat(1, 1, 1, 2).to(torch.uint8))
    fails(wide, "image_shape", "1×4×8")
    fails(dataset(labels=torch.arange(6)), "labels", "2 class names")
    fails(dataset(labels=torch.arange(6).float()), "labels", "torch.float32")
    fails(dataset(digest="today"), "digest", "not a SHA-256")
    chance = dataset(images=lambda x: torch.randint(0, 256, x.shape, dtype=torch.uint8))
    fails(chance, "digest", "the images differ")
    fails(chance, "leaves_global_generator_unchanged", "global generator")
    fails(dataset(binary=True), "binary", "gray pixels")


def test_a_component_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="the kind encoder"):
        type("TestWrong", (EncoderConformance,), {"component": SGD()})
