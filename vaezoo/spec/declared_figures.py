"""The figures that a run of a spec will have, as its metrics and its loss describe them."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.registry import Metric, Quantity
from vaezoo.registry.quantity import ELBO
from vaezoo.spec.spec import Spec


def quantities_on(split: str, spec: Spec) -> tuple[Quantity, ...]:
    """The figures on a split: of the metrics on ``test``, of the loss elsewhere."""
    if split == "test":
        return tuple(one for metric in spec.metrics for one in type(metric).figures)
    return (*type(spec.loss).terms, ELBO)


def quantity_of(target: str, spec: Spec) -> Quantity | None:
    """What ``test/elbo`` or ``train/objective`` is; None where no part of the spec says."""
    split, _, name = target.partition("/")
    return next((one for one in quantities_on(split, spec) if one.name == name), None)


def names_of(metric: type[Metric]) -> set[str]:
    """The names of the figures that a metric takes."""
    return {quantity.name for quantity in metric.figures}


def described_by(metrics: Sequence[Metric], name: str) -> Quantity | None:
    """A figure's description by the first of some metrics that has it."""
    every = (one for metric in metrics for one in type(metric).figures)
    return next((one for one in every if one.name == name), None)
