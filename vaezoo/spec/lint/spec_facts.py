"""``SpecFacts``: the input of the lints, read once from every component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from vaezoo.diagnostics import Diagnostic
from vaezoo.registry import Component
from vaezoo.registry.blame import component_failure
from vaezoo.registry.fields import Schedule
from vaezoo.registry.fields.schedule import value_at
from vaezoo.spec.nodes import Path
from vaezoo.spec.positions import Positions
from vaezoo.spec.spec import Spec, TrainSpec

T = TypeVar("T")
#: A batch size that never limits the learning rate.
LARGE_BATCH = 4096


@dataclass(frozen=True)
class SpecFacts:
    """A spec and the properties of its components; None is unknown or absent.

    ``pixels`` counts every channel. ``beta`` is the weight of the KL term at the end of the run.
    ``deviation`` is the fixed standard deviation of a normal likelihood. ``failures`` are the
    findings about components that raised an error.
    """

    spec: Spec
    pixels: int | None
    binary: bool | None
    for_binary_images: bool
    never_positive: bool
    deviation: float | None
    kl_weight: str | None
    draws: int | None
    caveat: str
    highest_lr: float | None
    highest_lr_of_large_batches: float | None
    pictures: tuple[str | None, ...]
    failures: tuple[Diagnostic, ...]

    @property
    def beta(self) -> float | None:
        weight = self.spec.loss.weights.get(self.kl_weight) if self.kl_weight else None
        return None if weight is None else value_at(weight, self.spec.train.epochs)


def facts_of(spec: Spec, places: Positions) -> SpecFacts:
    """Read the properties of every component that the lints use."""
    asked = _SafeReader(places)
    dataset, likelihood = spec.dataset, spec.model.likelihood
    of_likelihood = partial(asked.ask, likelihood, ("model", "likelihood"))
    binary = asked.ask(dataset, ("dataset",), lambda: dataset.binary, None)
    pictures = tuple(
        asked.ask(visualizer, ("visualizers", index), partial(visualizer.problem, spec), None)
        for index, visualizer in enumerate(spec.visualizers)
    )
    return SpecFacts(
        spec,
        pixels=_pixels(spec),
        binary=binary,
        for_binary_images=of_likelihood(lambda: likelihood.for_binary_images, False),
        never_positive=of_likelihood(lambda: likelihood.never_positive, False),
        deviation=of_likelihood(lambda: likelihood.deviation, None),
        kl_weight=asked.ask(spec.loss, ("loss",), lambda: spec.loss.kl_weight, None),
        draws=asked.ask(spec.loss, ("loss",), lambda: spec.loss.draws, None),
        caveat=of_likelihood(lambda: likelihood.caveat(binary is not False), ""),
        highest_lr=_highest_lr(asked, spec.train),
        highest_lr_of_large_batches=_highest_lr(
            asked, spec.train.model_copy(update={"batch_size": LARGE_BATCH})
        ),
        pictures=pictures,
        failures=tuple(dict.fromkeys(asked.failures)),
    )


class _SafeReader:
    def __init__(self, places: Positions) -> None:
        self._places = places
        self.failures: list[Diagnostic] = []

    def ask(self, component: Component, path: Path, question: Callable[[], T], default: T) -> T:
        """The component's answer, or ``default`` if it raises: a fault must not abort the lint."""
        try:
            return question()
        except Exception as error:
            self.failures.append(component_failure(component, error, self._places.of(*path)))
            return default


def _highest_lr(asked: _SafeReader, plan: TrainSpec) -> float | None:
    question = partial(plan.optimizer.highest_lr, plan)
    return asked.ask(plan.optimizer, ("train", "optimizer"), question, None)


def _pixels(spec: Spec) -> int | None:
    """The number of values in an image; None if unknown, which the shape check reports."""
    try:
        image = spec.dataset.image_shape
        return image.channels * image.height * image.width
    except Exception:
        return None


def highest(value: float | Schedule) -> float:
    """The largest value of a number or schedule."""
    return max(value.ends) if isinstance(value, Schedule) else value
