"""Whether the pictures suit the model."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts


def unsuited(facts: SpecFacts) -> Iterator[Remark]:
    """VZ418: what each visualizer says of the model itself."""
    for index, problem in enumerate(facts.pictures):
        if problem:
            yield Remark(
                "VZ418",
                problem,
                ("visualizers", index),
                hint="leave it out, or change the model",
            )
