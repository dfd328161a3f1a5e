"""Sentences about several figures together: bounds, floors, and each metric's own reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vaezoo.registry import Figure, Metric
from vaezoo.reports.blocks import Prose, prose
from vaezoo.reports.component_text import as_prose
from vaezoo.reports.entry_facts import EntryFacts, shown


def _bound(facts: EntryFacts) -> Iterator[Prose]:
    tighter, elbo = facts.of_role("bound"), facts.of_role("elbo")
    if tighter and elbo and tighter.value > elbo.value:
        yield prose(
            "The {bound} with {samples} draws is {gap} nats above the ELBO, so the ELBO is at "
            "least that far below what it bounds.",
            bound=tighter.label,
            samples=f"{tighter.samples:,}",
            gap=f"{tighter.value - elbo.value:.2f}",
        )


def _floor(facts: EntryFacts) -> Iterator[Prose]:
    floor, distortion = facts.of_role("floor"), facts.of_role("reconstruction")
    if floor and distortion and floor.value > 0:
        yield prose(
            "Of the {all} nats of reconstruction, {floor} are the entropy of the gray levels, "
            "which no model can avoid; {rest} come from the model.",
            all=shown(distortion.value),
            floor=shown(floor.value),
            rest=shown(distortion.value - floor.value),
        )


def _readings(facts: EntryFacts) -> Iterator[Prose]:
    """The sentences of each metric about its figures."""
    figures = facts.by_name()
    for metric in facts.readers:
        yield from _sentences(metric, figures, facts)


def _sentences(metric: Metric, figures: dict[str, Figure], facts: EntryFacts) -> list[Prose]:
    """A metric's sentences; empty if it fails, so that the report continues."""
    try:
        lines = [as_prose(text) for text in metric.reading(figures, facts.spec)]
    except Exception:
        return []
    return [line for line in lines if line]


#: In the order of the report.
MEASURED: tuple[Callable[[EntryFacts], Iterator[Prose]], ...] = (_bound, _floor, _readings)
