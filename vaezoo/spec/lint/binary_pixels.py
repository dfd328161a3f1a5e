"""Whether the likelihood suits the pixels."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts


def grey_levels(facts: SpecFacts) -> Iterator[Remark]:
    """VZ412: Σ x log p + (1 − x) log(1 − p) is no log-probability of a grey level x."""
    if facts.for_binary_images and facts.binary is False:
        likelihood, dataset = facts.spec.model.likelihood.use, facts.spec.dataset.use
        yield Remark(
            "VZ412",
            f"{dataset} has grey levels, and {likelihood} is a log-probability only of pixels "
            "that are 0 or 1: what it gives here is not one",
            ("model", "likelihood"),
            hint="take continuous_bernoulli or gaussian for a density on grey levels",
        )
