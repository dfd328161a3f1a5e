"""Check that the likelihood suits the pixels."""

from __future__ import annotations

from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts


def grey_levels(facts: SpecFacts) -> Iterator[Remark]:
    """VZ412: Σ x log p + (1 − x) log(1 − p) is not a log-probability of a gray level x."""
    if facts.for_binary_images and facts.binary is False:
        likelihood, dataset = facts.spec.model.likelihood.use, facts.spec.dataset.use
        yield Remark(
            "VZ412",
            f"{dataset} has gray levels, but {likelihood} is a log-probability only for pixels "
            "of 0 or 1",
            ("model", "likelihood"),
            hint="use continuous_bernoulli or gaussian, which are densities on gray levels",
        )
