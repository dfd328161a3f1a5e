"""What the figures of an entry say together: bounds, floors, and what each metric reads off its
own. Each is said only of figures that are there."""

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
            "The {bound} with {samples} draws lies {gap} nats above the ELBO: at least so much "
            "lies between the ELBO and what it bounds.",
            bound=tighter.label,
            samples=f"{tighter.samples:,}",
            gap=f"{tighter.value - elbo.value:.2f}",
        )


def _floor(facts: EntryFacts) -> Iterator[Prose]:
    floor, distortion = facts.of_role("floor"), facts.of_role("reconstruction")
    if floor and distortion and floor.value > 0:
        yield prose(
            "Of the {all} nats of reconstruction {floor} are the entropy of the grey levels, which "
            "no model can go below; {rest} are the model's own.",
            all=shown(distortion.value),
            floor=shown(floor.value),
            rest=shown(distortion.value - floor.value),
        )


def _read(facts: EntryFacts) -> Iterator[Prose]:
    """What each metric reads off its figures."""
    figures = facts.by_name()
    for metric in facts.readers:
        yield from _sentences(metric, figures, facts)


def _sentences(metric: Metric, figures: dict[str, Figure], facts: EntryFacts) -> list[Prose]:
    """A metric's sentences; none from one that fails, since the report goes on."""
    try:
        lines = [as_prose(text) for text in metric.reading(figures, facts.spec)]
    except Exception:
        return []
    return [line for line in lines if line]


#: every look at the figures, in the order of what is said
MEASURED: tuple[Callable[[EntryFacts], Iterator[Prose]], ...] = (_bound, _floor, _read)
