"""The facts that observations use, and their number format."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaezoo.registry import EpochRecord, Figure, Metric, Metrics
from vaezoo.registry.quantity import Role
from vaezoo.spec.early_stopping import outcome
from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class EntryFacts:
    """The facts that observations use.

    ``redrawn``: the training pixels were rebinarized in each epoch. ``readers``: the metrics that
    computed the figures.
    """

    spec: Spec
    metrics: Metrics
    history: tuple[EpochRecord, ...]
    redrawn: bool = False
    readers: tuple[Metric, ...] = ()

    @property
    def kept(self) -> EpochRecord | None:
        """The epoch of the entry's weights: the last, or the one that early stopping kept."""
        number = outcome(self.spec.train, self.history).best_epoch or len(self.history)
        return self.history[number - 1] if number else None

    def figure(self, name: str) -> Figure | None:
        """A test figure by name, if it is finite."""
        return _finite(self.metrics.figure(f"test/{name}"))

    def of_role(self, role: Role) -> Figure | None:
        """The test figure with this role, if it is finite."""
        return _finite(self.metrics.of_role(role))

    def by_name(self) -> dict[str, Figure]:
        """The finite test figures by name."""
        found = (_finite(figure) for figure in self.metrics.figures if figure.split == "test")
        return {figure.name: figure for figure in found if figure}


def _finite(figure: Figure | None) -> Figure | None:
    return figure if figure and math.isfinite(figure.value) else None


def shown(value: float, *, sign: bool = False) -> str:
    """Two decimals and a typographic minus; with ``sign``, also a plus."""
    return f"{value:{'+' if sign else ''}.2f}".replace("-", "−")
