"""Checks of metrics and visualizers."""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from abc import abstractmethod
from typing import Any, ClassVar

import torch

from vaezoo.diagnostics import UsageError
from vaezoo.registry import (
    DataFacts,
    EncodedPicture,
    EvaluationContext,
    Figure,
    ImageShape,
    Metric,
    Visualizer,
)
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.description_checks import (
    require_movement,
    require_settable,
    require_within,
)
from vaezoo.testing.conformance.outcome import NotApplicable, optional, require
from vaezoo.testing.conformance.tiny_models import SMALL, small_context

#: Numbers of draws of z to compare, and of seeds for each.
_DRAWS, _SEEDS = (1, 16), 6
_NAME = re.compile(r"[a-z0-9_]+")


class EvaluationConformance(ComponentConformance):
    """Checks of components that take an EvaluationContext."""

    component: Metric | Visualizer

    @abstractmethod
    def make(self, context: EvaluationContext) -> Any:
        """The component's result for a context."""

    @abstractmethod
    def comparable(self, made: Any) -> object:
        """A result in a form that can be compared."""

    def made(self, context: EvaluationContext) -> Any:
        """The component's result; NotApplicable if it rejects the context."""
        has_labels = context.split.labels is not None
        facts = DataFacts(context.spec.dataset, len(context.split), len(context.split), has_labels)
        suits = self.component.problem(context.spec)
        problem = suits or self.component.data_problem(context.spec, facts)
        if problem:
            raise NotApplicable(problem)
        try:
            return self.make(context)
        except UsageError as refusal:
            raise NotApplicable(refusal.diagnostics[0].message) from None

    def result(self, context: EvaluationContext) -> object:
        """The component's result in a form that can be compared."""
        return self.comparable(self.made(context))

    def context(
        self, image: ImageShape = SMALL, latent: int = 2, **options: bool
    ) -> EvaluationContext:
        """The context of the checks: a small trained model. Override it to use another."""
        return small_context(image, latent, **options)

    def test_leaves_the_model_unchanged(self) -> None:
        """Model, images and torch's generator do not change."""
        context = self.context()
        state = {name: value.clone() for name, value in context.model.state_dict().items()}
        images, random = context.split.images.clone(), torch.get_rng_state()
        self.result(context)
        after = context.model.state_dict()
        changed = [name for name, value in state.items() if not torch.equal(value, after[name])]
        require(not changed, f"it changes the model: {', '.join(changed)}")
        require(torch.equal(images, context.split.images), "it changes the images")
        require(not context.model.training, "it leaves the model in training mode")
        require(
            torch.equal(random, torch.get_rng_state()),
            "it draws from torch's global generator; use context.generator()",
        )

    def test_same_context_same_result(self) -> None:
        """The same context gives the same result."""
        first, again = (self.result(self.context()) for _ in range(2))
        require(first == again, "the same context gives two results; use context.generator()")

    def test_other_models(self) -> None:
        """It works with one latent, with five, and with color images."""
        for image, latent in ((SMALL, 1), (SMALL, 5), (ImageShape(3, 8, 6), 2)):
            try:
                self.result(self.context(image, latent))
            except NotApplicable:
                continue
            except Exception as error:
                require(False, f"{image}, latent {latent}: {type(error).__name__}: {error}")

    @optional
    def test_without_labels(self) -> None:
        """It works on images without labels."""
        self.result(self.context(labels=False))


class MetricConformance(EvaluationConformance):
    """``class TestMine(MetricConformance): component = Mine(samples=3)``."""

    kind: ClassVar[str] = "metric"
    component: Metric

    def make(self, context: EvaluationContext) -> list[Figure]:
        return self.component.compute(context)

    def comparable(self, made: Any) -> object:
        return [dataclasses.asdict(figure) for figure in made]

    def test_figures(self) -> None:
        """It returns the figures that it declares, each finite and of the context's split."""
        context = self.context()
        figures: list[object] = list(self.made(context))
        require(figures, "it returns no figures")
        for figure in figures:
            if not isinstance(figure, Figure):
                require(False, f"compute returns {figure!r}, which is not a Figure")
                return
            require(
                _NAME.fullmatch(figure.name),
                f"the name {figure.name!r} cannot be a target: use a-z, 0-9 and _",
            )
            require(math.isfinite(figure.value), f"{figure.name} is {figure.value}")
            require(
                figure.split == context.split_name,
                f"{figure.name} has the split {figure.split!r}, the context {context.split_name!r}",
            )
            require(figure.unit, f"{figure.name} has no unit")
            require_within(figure, type(self.component).figures)
        names = [figure.name for figure in figures if isinstance(figure, Figure)]
        declared = [quantity.name for quantity in type(self.component).figures]
        require(
            not declared or sorted(names) == sorted(declared),
            f"it returns {', '.join(names)} but declares {', '.join(declared)}",
        )

    @optional
    def test_declares_its_figures(self) -> None:
        """Its class describes its figures, so that targets can be checked before training and
        compared in the right direction."""
        require(
            type(self.component).figures,
            "set figures = (Quantity('name', better='higher'), …) on the class",
        )

    def test_description(self) -> None:
        """Formulas render, and ``reading`` returns sentences about the figures of a context."""
        context = self.context()
        for quantity in type(self.component).figures:
            if quantity.formula:
                require_settable(f"the formula of {quantity.name}", f"${quantity.formula}$")
            require_settable(f"the caveat of {quantity.name}", quantity.caveat)
        figures = {figure.name: figure for figure in self.made(context)}
        for given in ({}, figures):
            said: object = self.component.reading(given, context.spec)
            require(
                isinstance(said, tuple | list) and all(isinstance(one, str) for one in said),
                f"reading returns {said!r}, not a list of sentences",
            )
            for text in self.component.reading(given, context.spec):
                require_settable("a sentence of reading", text)

    def test_trend_with_samples(self) -> None:
        """With more draws of z, a figure rises, falls or keeps its mean, as its class says."""
        if "samples" not in type(self.component).model_fields:
            raise NotApplicable("it has no field samples")
        few, many = ([self._values(count, seed) for seed in range(_SEEDS)] for count in _DRAWS)
        require_movement(type(self.component).figures, few, many)

    def _values(self, samples: int, seed: int) -> dict[str, float]:
        """The figures for that number of draws and seed."""
        metric = self.component.model_copy(update={"samples": samples})
        context = dataclasses.replace(self.context(), seed=seed)
        try:
            return {figure.name: figure.value for figure in metric.compute(context)}
        except UsageError as refusal:
            raise NotApplicable(refusal.diagnostics[0].message) from None

    @optional
    def test_reports_progress(self) -> None:
        """It calls ``context.advance`` for every example."""
        seen: list[int] = []
        context = dataclasses.replace(self.context(), advance=seen.append)
        self.made(context)
        require(
            sum(seen) == len(context.split),
            f"context.advance got {sum(seen)} examples of {len(context.split)}",
        )


class VisualizerConformance(EvaluationConformance):
    """``class TestMine(VisualizerConformance): component = Mine(n=4)``."""

    kind: ClassVar[str] = "visualizer"
    component: Visualizer

    def make(self, context: EvaluationContext) -> object:
        return self.component.draw(context)

    def comparable(self, made: Any) -> object:
        from vaezoo.plotting.png import png

        return made.content if isinstance(made, EncodedPicture) else png(made)

    def test_gives_a_figure(self) -> None:
        """It draws a matplotlib figure, or a ``vaezoo.EncodedPicture``, that is not empty."""
        from matplotlib.figure import Figure

        drawn: object = self.made(self.context())
        if isinstance(drawn, EncodedPicture):
            require(drawn.content, "the picture is empty")
            return
        if not isinstance(drawn, Figure):
            require(False, f"draw returns {drawn!r}, which is not a matplotlib figure")
            return
        require(drawn.axes or drawn.texts, "the figure is empty")

    def test_leaves_global_state_unchanged(self) -> None:
        """It opens no figure in pyplot and does not change matplotlib's settings."""
        import matplotlib

        before = dict(matplotlib.rcParams)
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        opened = pyplot.get_fignums() if pyplot else []
        self.made(self.context())
        pyplot = sys.modules.get("matplotlib.pyplot")
        require(
            not pyplot or pyplot.get_fignums() == opened,
            "it leaves a figure open in pyplot; use matplotlib.figure.Figure()",
        )
        changed = [k for k, v in dict(matplotlib.rcParams).items() if before.get(k) != v]
        require(not changed, f"it changes matplotlib's settings: {', '.join(changed)}")

    @optional
    def test_without_history(self) -> None:
        """It works for a model without a history."""
        self.result(self.context(history=False))
