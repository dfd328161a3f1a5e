"""Whether the pictures suit the model."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.facts import Facts
from vaezoo.spec.lint.remark import Remark


def unsuited(facts: Facts) -> Iterator[Remark]:
    """VZ418: what each visualizer says of the model itself."""
    for index, problem in enumerate(facts.pictures):
        if problem:
            yield Remark(
                "VZ418",
                problem,
                ("visualizers", index),
                hint="leave it out, or change the model",
            )
