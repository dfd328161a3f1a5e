"""Whether what a spec trains is what its targets measure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from vaezoo.registry.quantity import ELBO, NATS, Quantity
from vaezoo.spec.declared_figures import described_by, quantity_of
from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts
from vaezoo.spec.nodes import Path
from vaezoo.spec.spec import Target

#: How far β may lie from 1 for a target on the ELBO, which is always taken with β = 1.
NEAR_ONE = (0.5, 2.0)

_ELBO = re.compile(r"\belbo\b|evidence lower bound|variational bound", re.IGNORECASE)
_BITS = re.compile(r"\bbits?\b\s*(/|per)\s*(dim|pixel)|\bbpd\b", re.IGNORECASE)
_BINARISED = re.compile(r"\bbinari[sz]ed\b", re.IGNORECASE)
_TIGHTER = re.compile(r"\biwae\b|importance[- ](weighted|sampl)", re.IGNORECASE)


def other_protocol(facts: SpecFacts) -> Iterator[Remark]:
    """VZ416: a target that was taken in another way than this spec trains and measures."""
    for index, target in enumerate(facts.spec.targets):
        for key, message, hint in _differences(facts, target):
            yield Remark("VZ416", f"{message}", ("targets", index, key), hint)


def _differences(facts: SpecFacts, target: Target) -> Iterator[tuple[str, str, str]]:
    """The key of the target that disagrees, why, and what to do."""
    yield from _other_weights(facts, target)
    yield from _other_words(facts, target)
    yield from _other_settings(facts, target)


def _other_weights(facts: SpecFacts, target: Target) -> Iterator[tuple[str, str, str]]:
    role, beta = _role(facts, target), facts.beta
    low, high = NEAR_ONE
    if role == ELBO.role and beta is not None and not low <= beta <= high:
        yield (
            "metric",
            f"{target.metric} is taken with β = 1, and the spec trains for β = {beta:g}",
            "hold a β-VAE to its reconstruction and kl",
        )
    if role == "objective" and facts.is_negative_elbo is False and _ELBO.search(target.source):
        yield (
            "metric",
            f"the source speaks of an ELBO, and {target.metric} has other weights than one",
            "take a figure of the ELBO, which has β = 1 and no free bits",
        )


def _other_words(facts: SpecFacts, target: Target) -> Iterator[tuple[str, str, str]]:
    """What the words of the source give away."""
    quantity = quantity_of(target.metric, facts.spec)
    if _BITS.search(target.source) and (quantity is None or quantity.unit == NATS):
        yield (
            "source",
            "the source gives bits a dimension, and figures here are nats an image",
            f"multiply by D·ln 2{_in_nats(facts.pixels)}",
        )
    if _BINARISED.search(target.source) and facts.binary is False:
        yield (
            "source",
            f"the source speaks of binarised images, and those of {facts.spec.dataset.use} are not",
            "compare with a figure on the same pixels",
        )
    if _TIGHTER.search(target.source) and quantity and quantity.role == ELBO.role:
        yield (
            "source",
            "the source speaks of an importance-weighted bound, which is above the ELBO",
            "compare with an ELBO of one draw",
        )


def _role(facts: SpecFacts, target: Target) -> str | None:
    quantity = quantity_of(target.metric, facts.spec)
    return quantity.role if quantity else None


def _in_nats(pixels: int | None) -> str:
    return f" = {pixels * math.log(2):.2f}" if pixels else ""


def _other_settings(facts: SpecFacts, target: Target) -> Iterator[tuple[str, str, str]]:
    """What the target says of itself, key by key."""
    likelihood, ways = facts.spec.model.likelihood.use, _binarisations(facts)
    if target.likelihood not in (None, likelihood):
        yield (
            "likelihood",
            f"the target was taken with {target.likelihood}, and the spec trains {likelihood}",
            "compare figures of one likelihood only",
        )
    if ways and target.binarisation and target.binarisation not in ways:
        yield (
            "binarisation",
            f"the target's binarisation is {target.binarisation}, and that of "
            f"{facts.spec.dataset.use} is {ways[0]}",
            "compare figures on the same pixels only",
        )
    samples = _samples(facts, target.metric)
    if target.samples and samples and target.samples != samples:
        yield (
            "samples",
            f"the target was taken with {_draws(target.samples)}, and {target.metric} is "
            f"taken with {samples}",
            "set the metric's samples to those of the target",
        )


def _binarisations(facts: SpecFacts) -> tuple[str, ...]:
    """What a target may say of the pixels; nothing where the dataset does not say."""
    drawn = getattr(getattr(facts.spec.dataset, "binarize", None), "use", None)
    if drawn in ("none", "static", "dynamic"):
        return (drawn,)
    if facts.binary is None:
        return ()
    return ("static", "none") if facts.binary else ("none",)


def _samples(facts: SpecFacts, figure: str) -> int | None:
    """Draws of z an image behind a figure, where that is known."""
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
    """VZ417: a target outside of what the figure can be."""
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
            f"{target.metric} is never {relation} {bound:g}, and the target is {stated}",
            path,
            hint=f"published losses are often −ELBO: turn the sign, {-target.value:g}"
            if quantity and quantity.unit == NATS and bound == 0
            else "correct the value",
        )


def _range(facts: SpecFacts, quantity: Quantity) -> tuple[float, float]:
    """The least and the most that a figure can be, by itself and by its role in this model."""
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
            return low, min(high, facts.spec.model.latent)
    return low, high
