"""Check that targets measure what the spec trains."""

from __future__ import annotations

import math
from collections.abc import Iterator

from vaezoo.registry.quantity import ELBO, NATS, Quantity
from vaezoo.spec.declared_figures import described_by, quantity_of
from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts
from vaezoo.spec.nodes import Path
from vaezoo.spec.spec import Target

#: Range of β in which a target on the ELBO makes sense: the ELBO always has β = 1.
NEAR_ONE = (0.5, 2.0)


def other_protocol(facts: SpecFacts) -> Iterator[Remark]:
    """VZ416: a target that was measured differently from what this spec trains and measures."""
    for index, target in enumerate(facts.spec.targets):
        for key, message, hint in _differences(facts, target):
            yield Remark("VZ416", message, ("targets", index, key), hint)


def _differences(facts: SpecFacts, target: Target) -> Iterator[tuple[str, str, str]]:
    """The key of the target that disagrees with the spec, the message and the hint."""
    quantity, beta = quantity_of(target.metric, facts.spec), facts.beta
    low, high = NEAR_ONE
    if quantity and quantity.role == ELBO.role and beta is not None and not low <= beta <= high:
        yield (
            "metric",
            f"{target.metric} has β = 1, but the spec trains with β = {beta:g}",
            "use targets on reconstruction and kl for a β-VAE",
        )
    likelihood, binarisations = facts.spec.model.likelihood.use, _binarisations(facts)
    if target.likelihood not in (None, likelihood):
        yield (
            "likelihood",
            f"the target was measured with {target.likelihood}, but the spec trains {likelihood}",
            "compare only figures of the same likelihood",
        )
    if binarisations and target.binarisation and target.binarisation not in binarisations:
        yield (
            "binarisation",
            f"the target's binarisation is {target.binarisation}, but that of "
            f"{facts.spec.dataset.use} is {binarisations[0]}",
            "compare only figures on the same pixels",
        )
    samples = _samples(facts, target.metric)
    if target.samples and samples and target.samples != samples:
        yield (
            "samples",
            f"the target was measured with {_draws(target.samples)}, but {target.metric} is "
            f"measured with {samples}",
            "set the metric's samples to those of the target",
        )


def _binarisations(facts: SpecFacts) -> tuple[str, ...]:
    """The values of ``binarisation`` that match the dataset; empty if unknown."""
    drawn = getattr(getattr(facts.spec.dataset, "binarize", None), "use", None)
    if drawn in ("none", "static", "dynamic"):
        return (drawn,)
    if facts.binary is None:
        return ()
    return ("static", "none") if facts.binary else ("none",)


def _samples(facts: SpecFacts, figure: str) -> int | None:
    """The draws of z per image of a figure; None if unknown."""
    split, _, name = figure.partition("/")
    if split != "test":
        return facts.draws
    for metric in facts.spec.metrics:
        samples = getattr(metric, "samples", None)
        if described_by([metric], name) and isinstance(samples, int):
            return samples
    return None


def _draws(samples: int) -> str:
    return f"{samples} draw{'' if samples == 1 else 's'} of z"


def out_of_reach(facts: SpecFacts) -> Iterator[Remark]:
    """VZ417: a target that the figure cannot reach."""
    for index, target in enumerate(facts.spec.targets):
        quantity = quantity_of(target.metric, facts.spec)
        low, high = _range(facts, quantity) if quantity else (-math.inf, math.inf)
        path: Path = ("targets", index, "value")
        stated = f"{target.value:g} ± {target.tolerance:g}"
        if target.value - target.tolerance > high:
            relation, bound = "above", high
        elif target.value + target.tolerance < low:
            relation, bound = "below", low
        else:
            continue
        yield Remark(
            "VZ417",
            f"{target.metric} is never {relation} {bound:g}, but the target is {stated}",
            path,
            hint=f"published losses are often −ELBO: try {-target.value:g}"
            if quantity and quantity.unit == NATS and bound == 0
            else "correct the value",
        )


def _range(facts: SpecFacts, quantity: Quantity) -> tuple[float, float]:
    """The range of a figure, by its declaration and by its role in this model."""
    low = -math.inf if quantity.least is None else quantity.least
    high = math.inf if quantity.most is None else quantity.most
    match quantity.role:
        case "elbo" | "bound" if facts.never_positive:
            return low, min(high, 0.0)
        case "reconstruction" if facts.never_positive:
            return max(low, 0.0), high
        case "objective" if facts.never_positive and facts.kl_weight:
            return max(low, 0.0), high
        case "active_units":
            return low, min(high, facts.spec.model.latent_size)
    return low, high
