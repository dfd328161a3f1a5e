"""Check that the visualizers suit the model."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts


def unsuited(facts: SpecFacts) -> Iterator[Remark]:
    """VZ418: a problem that a visualizer reports for this model."""
    for index, problem in enumerate(facts.pictures):
        if problem:
            yield Remark(
                "VZ418",
                problem,
                ("visualizers", index),
                hint="remove it, or change the model",
            )
