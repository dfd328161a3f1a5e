"""What observations are made of, and how their numbers are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vaezoo.registry import EpochRecord, Figure, Metric, Metrics
from vaezoo.registry.quantity import Role
from vaezoo.spec.resume_rules import outcome
from vaezoo.spec.spec import Spec


@dataclass(frozen=True)
class EntryFacts:
    """What observations are made of.

    ``redrawn`` says that the pixels of training images were drawn again each time they were seen;
    ``readers`` are the metrics that the figures are of.
    """

    spec: Spec
    metrics: Metrics
    history: tuple[EpochRecord, ...]
    redrawn: bool = False
    readers: tuple[Metric, ...] = ()

    @property
    def kept(self) -> EpochRecord | None:
        """The epoch whose weights the entry holds: the last, or the one early stopping kept."""
        number = outcome(self.spec.train, self.history).best_epoch or len(self.history)
        return self.history[number - 1] if number else None

    def figure(self, name: str) -> Figure | None:
        """A finite figure on the test split."""
        return _finite(self.metrics.figure(f"test/{name}"))

    def of_role(self, role: Role) -> Figure | None:
        """The finite figure on the test split that is such a quantity."""
        return _finite(self.metrics.of_role(role))

    def by_name(self) -> dict[str, Figure]:
        """Every finite figure on the test split."""
        found = (_finite(figure) for figure in self.metrics.figures if figure.split == "test")
        return {figure.name: figure for figure in found if figure}


def _finite(figure: Figure | None) -> Figure | None:
    return figure if figure and math.isfinite(figure.value) else None


def shown(value: float, *, sign: bool = False) -> str:
    """Two decimals and a true minus sign; with ``sign`` a plus too."""
    return f"{value:{'+' if sign else ''}.2f}".replace("-", "−")
