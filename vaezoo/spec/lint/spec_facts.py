"""``SpecFacts``: what the lints go by, each asked of its component once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from vaezoo.registry import Component
from vaezoo.registry.blame import described, home_of
from vaezoo.registry.fields import Schedule
from vaezoo.registry.fields.schedule import value_at
from vaezoo.spec.nodes import Path
from vaezoo.spec.spec import Spec, TrainSpec

T = TypeVar("T")
#: A batch that is not what a learning rate fails by.
LARGE_BATCH = 4096


@dataclass(frozen=True)
class ComponentFault:
    """A component that failed when it was asked."""

    message: str
    path: Path
    hint: str


@dataclass(frozen=True)
class SpecFacts:
    """A spec, and what its components say of themselves.

    ``pixels`` counts channels too; ``beta`` is the weight of the KL term at the end of the run;
    ``deviation`` is that of a normal likelihood whose scale training cannot change. None stands
    for what is not known or not there.
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
    faults: tuple[ComponentFault, ...]

    @property
    def beta(self) -> float | None:
        return self.weight(self.kl_weight) if self.kl_weight else None

    def weight(self, name: str) -> float | None:
        """A weight of the objective when the run ends."""
        weights = self.spec.loss.weights
        return value_at(weights[name], self.spec.train.epochs) if name in weights else None

    @property
    def is_negative_elbo(self) -> bool | None:
        """Whether the objective is −ELBO all through the last epoch; None where nobody knows."""
        if self.kl_weight is None:
            return None
        last = (self.spec.train.epochs - 1, self.spec.train.epochs)
        return all(
            value_at(weight, epoch) == (name == self.kl_weight)
            for name, weight in self.spec.loss.weights.items()
            for epoch in last
        )


def facts_of(spec: Spec) -> SpecFacts:
    """Ask every component what a lint must know of it."""
    asked = _Questions()
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
        faults=tuple(dict.fromkeys(asked.faults)),
    )


class _Questions:
    def __init__(self) -> None:
        self.faults: list[ComponentFault] = []

    def ask(self, component: Component, path: Path, question: Callable[[], T], unknown: T) -> T:
        """The component's answer, or ``unknown`` from one that fails: it must end no reading."""
        try:
            return question()
        except Exception as error:
            message = f"{described(component)} failed: {type(error).__name__}: {error}"
            self.faults.append(
                ComponentFault(message, path, f"this is a fault in {home_of(component)}")
            )
            return unknown


def _highest_lr(asked: _Questions, plan: TrainSpec) -> float | None:
    question = partial(plan.optimizer.highest_lr, plan)
    return asked.ask(plan.optimizer, ("train", "optimizer"), question, None)


def _pixels(spec: Spec) -> int | None:
    """Numbers in an image. Where it cannot be told, the check of shapes says why."""
    try:
        image = spec.dataset.image_shape
        return image.channels * image.height * image.width
    except Exception:
        return None


def highest(value: float | Schedule) -> float:
    """The largest value of a number that may be scheduled."""
    return max(value.ends) if isinstance(value, Schedule) else value
