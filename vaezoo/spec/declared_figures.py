"""The figures of a run, as declared by the spec's metrics and loss."""

from __future__ import annotations

from collections.abc import Sequence

from vaezoo.registry import Metric, Quantity
from vaezoo.registry.quantity import ELBO
from vaezoo.spec.spec import Spec


def quantities_on(split: str, spec: Spec) -> tuple[Quantity, ...]:
    """The figures of a split: from the metrics on ``test``, from the loss elsewhere."""
    if split == "test":
        return tuple(one for metric in spec.metrics for one in type(metric).figures)
    return (*type(spec.loss).terms, ELBO)


def quantity_of(target: str, spec: Spec) -> Quantity | None:
    """The declaration of ``test/elbo`` or ``train/objective``, if any."""
    split, _, name = target.partition("/")
    return next((one for one in quantities_on(split, spec) if one.name == name), None)


def names_of(metric: type[Metric]) -> set[str]:
    """The names of a metric's figures."""
    return {quantity.name for quantity in metric.figures}


def described_by(metrics: Sequence[Metric], name: str) -> Quantity | None:
    """The declaration of a figure by the first metric that has it, if any."""
    every = (one for metric in metrics for one in type(metric).figures)
    return next((one for one in every if one.name == name), None)
