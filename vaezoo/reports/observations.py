"""What the figures of an entry show, in sentences. Each is said only where a figure supports it,
with the number; none is said of figures that are not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from vaezoo.evaluation import UNUSED_BELOW, named_latents, unused_latents
from vaezoo.registry import EpochRecord
from vaezoo.registry.fields import Schedule
from vaezoo.registry.fields.schedule import value_at
from vaezoo.registry.verdicts import in_words
from vaezoo.reports.blocks import Prose, prose
from vaezoo.reports.entry_facts import EntryFacts, shown
from vaezoo.reports.measured import MEASURED
from vaezoo.reports.trend import trend
from vaezoo.spec.spec import Spec

#: share of the last epochs that tell whether training still brings something, and the fewest
_LATE, _FEWEST = 0.2, 4
#: a change of the ELBO, as a share of it, that does not matter
_NEGLIGIBLE = 0.002
#: how many standard errors between training and validation are more than chance: the validation
#: images are others and fewer than those of the test, whose error it is
_APART = 5.0
#: what rounds to 0.00
_LEAST_SHOWN = 0.005


def observe(facts: EntryFacts) -> list[Prose]:
    """Every observation that the figures support, the gravest first."""
    return list(dict.fromkeys(line for look in _LOOKS for line in look(facts)))


def _not_finite(facts: EntryFacts) -> Iterator[Prose]:
    for figure in facts.metrics.figures:
        if not math.isfinite(figure.value):
            yield prose(
                "**The figure {name} is not finite:** nothing can be read off it.",
                name=f"{figure.split}/{figure.name}",
            )


def _not_held_out(facts: EntryFacts) -> Iterator[Prose]:
    if facts.metrics.test_is_trained_on:
        yield prose(
            "**The test images were trained on:** no figure on them says how the model does on "
            "images that it has not seen."
        )


def _targets(facts: EntryFacts) -> Iterator[Prose]:
    for target in facts.metrics.targets:
        off = target["figure"] - target["value"]
        apart = f", {abs(off):.2f} {'above' if off > 0 else 'below'}"
        yield prose(
            "The target `{metric}` of {value} ± {tolerance} ({source}) is {verdict}: here it is "
            "{figure}{apart}.{note}",
            metric=target["metric"],
            value=shown(target["value"]),
            tolerance=f"{target['tolerance']:g}",
            source=target["source"],
            verdict=in_words(target),
            figure=shown(target["figure"]),
            apart=apart if abs(off) >= _LEAST_SHOWN else "",
            note=f" {target['note']}" if target["note"] else "",
        )


def _unused(facts: EntryFacts) -> Iterator[Prose]:
    kl = facts.of_role("kl")
    if not kl or not kl.per_dimension:
        return
    each = kl.per_dimension
    unused = unused_latents([kl])
    if len(unused) == len(each):
        yield prose(
            "**The posterior has collapsed:** none of {count} latents carries {limit} nats of KL, "
            "so that the decoder draws the same for every image.",
            count=len(each),
            limit=UNUSED_BELOW,
        )
    elif unused:
        names = named_latents(unused, len(each))
        yield prose(
            "{gone} of {count} latents {are} not used{names}: {carry} less than {limit} nats of "
            "KL on the test images. The model could do without {them}.",
            gone=len(unused),
            count=len(each),
            are="is" if len(unused) == 1 else "are",
            names=f" ({names})" if names else "",
            carry="it carries" if len(unused) == 1 else "each carries",
            limit=UNUSED_BELOW,
            them="it" if len(unused) == 1 else "them",
        )
    elif len(each) > 1:
        least = min(range(len(each)), key=each.__getitem__)
        yield prose(
            "{all} latents are used; the one that carries least, z{index}, has {nats} nats of KL.",
            all="Both" if len(each) == 2 else f"All {len(each)}",
            index=least,
            nats=f"{each[least]:.2f}",
        )


def _concentrated(facts: EntryFacts) -> Iterator[Prose]:
    kl = facts.of_role("kl")
    if not kl or not kl.per_dimension or len(kl.per_dimension) < 4:
        return
    each = sorted(kl.per_dimension, reverse=True)
    total = sum(each)
    half = next((n for n in range(1, len(each)) if sum(each[:n]) >= total / 2), len(each))
    if total > 0 and half <= len(each) / 3:
        yield prose(
            "The KL is uneven: {half} of {count} latents carry {share} of its {total} nats.",
            half=half,
            count=len(each),
            share=f"{sum(each[:half]) / total:.0%}",
            total=f"{total:.2f}",
        )


def _weighed(facts: EntryFacts) -> Iterator[Prose]:
    """What β ≠ 1 does to the objective, by the figures of the epoch that was kept."""
    name, kept = facts.spec.loss.kl_weight, facts.kept
    if not name or not kept:
        return
    weight = kept.weights.get(name)
    if weight is None or weight == 1 or not _finite(kept.train, "objective", "elbo", "kl"):
        return
    gap = kept.train["objective"] + kept.train["elbo"]
    yield prose(
        "With {name} = {weight} in epoch {epoch} the objective counts each nat of KL {weight} "
        "times and lies {gap} nats {side} the −ELBO ({objective} against {elbo}): the two must "
        "not be confused.",
        name="β" if name == "beta" else name,
        weight=f"{weight:g}",
        epoch=kept.epoch,
        gap=f"{abs(gap):.2f}",
        side="above" if gap > 0 else "below",
        objective=shown(kept.train["objective"]),
        elbo=shown(-kept.train["elbo"]),
    )


def _still_moving(facts: EntryFacts) -> Iterator[Prose]:
    """Whether the last epochs still brought something, by a line through them."""
    split, series = _elbos(facts.history)
    count = max(_FEWEST, round(_LATE * len(series)))
    if len(series) < 2 * _FEWEST or _weights_move(facts.spec, len(series) - count, len(series)):
        return
    late = trend(series[-count:])
    if not math.isfinite(late.change):
        return
    negligible = _NEGLIGIBLE * abs(fmean(series[-count:]))
    changed = f"{shown(late.change, sign=True)} ± {late.error:.2f}"
    if late.most <= negligible:
        yield prose(
            "Training had levelled off: over the last {count} epochs the {split} ELBO changed by "
            "{changed} nats, with 99.7% confidence by less than {negligible} ({share} of it).",
            count=count,
            split=split,
            changed=changed,
            negligible=f"{negligible:.2f}",
            share=f"{_NEGLIGIBLE:.1%}",
        )
    elif late.change > late.margin:
        yield prose(
            "Training had not come to its end: over the last {count} epochs the {split} ELBO still "
            "rose by {brought} ± {noise} nats.",
            count=count,
            split=split,
            brought=f"{late.change:.2f}",
            noise=f"{late.error:.2f}",
        )
    elif late.change < -late.margin:
        yield prose(
            "The {split} ELBO fell by {brought} ± {noise} nats over the last {count} epochs.",
            count=count,
            split=split,
            brought=f"{-late.change:.2f}",
            noise=f"{late.error:.2f}",
        )
    else:
        yield prose(
            "The last {count} epochs do not tell whether training had levelled off: over them the "
            "{split} ELBO changed by {changed} nats.",
            count=count,
            split=split,
            changed=changed,
        )


def _past_its_best(facts: EntryFacts) -> Iterator[Prose]:
    held_out = [r.validation["elbo"] for r in facts.history if r.validation]
    if len(held_out) < 2 * _FEWEST or not all(map(math.isfinite, held_out)):
        return
    if facts.spec.train.early_stopping:
        yield from _kept_earlier(facts, held_out)
        return
    best = max(range(len(held_out)), key=held_out.__getitem__)
    lost = held_out[best] - held_out[-1]
    steps = [b - a for a, b in zip(held_out[best:], held_out[best + 1 :], strict=False)]
    noise = math.sqrt(fmean(step**2 for step in steps)) if steps else 0.0
    if len(steps) >= _FEWEST and lost > 2 * noise:
        yield prose(
            "The validation ELBO was best in epoch {best} of {epochs} and has lost {lost} nats "
            "since: stopping there would have been better.",
            best=facts.history[best].epoch,
            epochs=len(held_out),
            lost=f"{lost:.2f}",
        )


def _kept_earlier(facts: EntryFacts, held_out: Sequence[float]) -> Iterator[Prose]:
    """What came after the epoch that early stopping kept."""
    kept = facts.kept
    if kept is None or kept is facts.history[-1]:
        return
    after = held_out[facts.history.index(kept) + 1 :]
    yield prose(
        "The weights are those of epoch {best}, which early stopping kept; in the {after} epochs "
        "after it the validation ELBO was at best {change} nats.",
        best=kept.epoch,
        after=len(after),
        change=shown(max(after) - (kept.validation or {})["elbo"], sign=True),
    )


def _generalises(facts: EntryFacts) -> Iterator[Prose]:
    """Training against validation in the epoch whose weights were kept.

    Nothing is said where the training pixels are drawn again each time: they are other images then,
    and the two would agree however much of the grey levels were learnt by heart.
    """
    kept, test = facts.kept, facts.of_role("elbo")
    error = test.standard_error if test else None
    if facts.redrawn or error is None or not kept or not kept.validation:
        return
    if not (_finite(kept.train, "elbo") and _finite(kept.validation, "elbo")):
        return
    gap = kept.train["elbo"] - kept.validation["elbo"]
    apart = gap > _APART * error
    yield prose(
        "In epoch {epoch}, whose weights these are, the validation ELBO lies {size} nats {side} "
        "the training one (a running mean within the epoch), {more} than {clear} standard errors "
        "of the test ELBO (±{error}): {verdict}.",
        epoch=kept.epoch,
        size=f"{abs(gap):.2f}",
        side="below" if gap > 0 else "above",
        more="more" if abs(gap) > _APART * error else "less",
        clear=f"{_APART:g}",
        error=f"{error:.2f}",
        verdict="the model has begun to learn its training images by heart"
        if apart
        else "it does not show that training images were learnt by heart",
    )


_LOOKS: tuple[Callable[[EntryFacts], Iterator[Prose]], ...] = (
    _not_finite,
    _not_held_out,
    _targets,
    _unused,
    _concentrated,
    _still_moving,
    _past_its_best,
    _generalises,
    _weighed,
    *MEASURED,
)


def _elbos(history: Sequence[EpochRecord]) -> tuple[str, list[float]]:
    """The ELBO after each epoch: on held-out images where there are any."""
    held_out = [record.validation["elbo"] for record in history if record.validation]
    if history and len(held_out) == len(history):
        return "validation", held_out
    return "training", [record.train["elbo"] for record in history]


def _weights_move(spec: Spec, first: int, last: int) -> bool:
    """Whether a weight of the loss is on its way then, so that the ELBO moves with it."""
    return any(
        isinstance(weight, Schedule)
        and (value_at(weight, first) != value_at(weight, last) or bool(weight.cyclical))
        for weight in spec.loss.weights.values()
    )


def _finite(terms: dict[str, float], *names: str) -> bool:
    return all(math.isfinite(terms.get(name, math.nan)) for name in names)
