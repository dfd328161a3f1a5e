"""Turn the figures of an entry into sentences, each with the number that supports it."""

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

#: The share of the epochs that shows whether training has converged, and the fewest epochs.
_LATE_SHARE, _MIN_EPOCHS = 0.2, 4
#: A negligible change of the ELBO, relative to it.
_NEGLIGIBLE = 0.002
#: Standard errors of the test ELBO that make a gap between training and validation significant.
#: There are fewer validation images than test images, so their ELBO is noisier.
_SIGNIFICANT_ERRORS = 5.0
#: Smaller differences round to 0.00.
_MIN_SHOWN = 0.005


def observe(facts: EntryFacts) -> list[Prose]:
    """The observations that the figures support, the most severe first."""
    return list(dict.fromkeys(line for observer in _OBSERVERS for line in observer(facts)))


def _not_finite(facts: EntryFacts) -> Iterator[Prose]:
    for figure in facts.metrics.figures:
        if not math.isfinite(figure.value):
            yield prose(
                "**The figure {name} is not finite** and supports no conclusion.",
                name=f"{figure.split}/{figure.name}",
            )


def _not_held_out(facts: EntryFacts) -> Iterator[Prose]:
    if facts.metrics.test_is_trained_on:
        yield prose(
            "**The model was trained on the test images:** test figures do not show how it does on "
            "unseen images."
        )


def _targets(facts: EntryFacts) -> Iterator[Prose]:
    for target in facts.metrics.targets:
        off = target["figure"] - target["value"]
        distance = f", {abs(off):.2f} {'above' if off > 0 else 'below'}"
        yield prose(
            "The target `{metric}` of {value} ± {tolerance} ({source}) is {verdict}: this model "
            "has {figure}{distance}.{note}",
            metric=target["metric"],
            value=shown(target["value"]),
            tolerance=f"{target['tolerance']:g}",
            source=target["source"],
            verdict=in_words(target),
            figure=shown(target["figure"]),
            distance=distance if abs(off) >= _MIN_SHOWN else "",
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
            "so the decoder gives the same output for every image.",
            count=len(each),
            limit=UNUSED_BELOW,
        )
    elif unused:
        names = named_latents(unused, len(each))
        yield prose(
            "{unused} of {count} latents {are} unused{names}: {carry} less than {limit} nats of "
            "KL on the test images. The model does not need {them}.",
            unused=len(unused),
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
            "{all} latents are used; z{index} carries the least, {nats} nats of KL.",
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
    """The effect of β ≠ 1 on the objective, in the epoch that gave the weights."""
    name, kept = facts.spec.loss.kl_weight, facts.kept
    if not name or not kept:
        return
    weight = kept.weights.get(name)
    if weight is None or weight == 1 or not _finite(kept.train, "objective", "elbo", "kl"):
        return
    gap = kept.train["objective"] + kept.train["elbo"]
    yield prose(
        "With {name} = {weight} in epoch {epoch}, the objective multiplies the KL by {weight}. It "
        "is {gap} nats {side} the −ELBO ({objective} against {elbo}); do not confuse the two.",
        name="β" if name == "beta" else name,
        weight=f"{weight:g}",
        epoch=kept.epoch,
        gap=f"{abs(gap):.2f}",
        side="above" if gap > 0 else "below",
        objective=shown(kept.train["objective"]),
        elbo=shown(-kept.train["elbo"]),
    )


def _still_moving(facts: EntryFacts) -> Iterator[Prose]:
    """Whether training had converged, by a straight line through the last epochs."""
    split, series = _elbos(facts.history)
    count = max(_MIN_EPOCHS, round(_LATE_SHARE * len(series)))
    if len(series) < 2 * _MIN_EPOCHS or _weights_move(facts.spec, len(series) - count, len(series)):
        return
    late = trend(series[-count:])
    if not math.isfinite(late.change):
        return
    negligible = _NEGLIGIBLE * abs(fmean(series[-count:]))
    changed = f"{shown(late.change, sign=True)} ± {late.error:.2f}"
    if late.most <= negligible:
        yield prose(
            "Training had converged: over the last {count} epochs the {split} ELBO changed by "
            "{changed} nats, with 99.7% confidence by less than {negligible} ({share} of it).",
            count=count,
            split=split,
            changed=changed,
            negligible=f"{negligible:.2f}",
            share=f"{_NEGLIGIBLE:.1%}",
        )
    elif late.change > late.margin:
        yield prose(
            "Training had not converged: over the last {count} epochs the {split} ELBO still "
            "rose by {change} ± {noise} nats.",
            count=count,
            split=split,
            change=f"{late.change:.2f}",
            noise=f"{late.error:.2f}",
        )
    elif late.change < -late.margin:
        yield prose(
            "The {split} ELBO fell by {change} ± {noise} nats over the last {count} epochs.",
            count=count,
            split=split,
            change=f"{-late.change:.2f}",
            noise=f"{late.error:.2f}",
        )
    else:
        yield prose(
            "The last {count} epochs do not show whether training had converged: the {split} "
            "ELBO changed by {changed} nats.",
            count=count,
            split=split,
            changed=changed,
        )


def _past_its_best(facts: EntryFacts) -> Iterator[Prose]:
    held_out = [r.validation["elbo"] for r in facts.history if r.validation]
    if len(held_out) < 2 * _MIN_EPOCHS or not all(map(math.isfinite, held_out)):
        return
    if facts.spec.train.early_stopping:
        yield from _kept_earlier(facts, held_out)
        return
    best = max(range(len(held_out)), key=held_out.__getitem__)
    lost = held_out[best] - held_out[-1]
    steps = [b - a for a, b in zip(held_out[best:], held_out[best + 1 :], strict=False)]
    noise = math.sqrt(fmean(step**2 for step in steps)) if steps else 0.0
    if len(steps) >= _MIN_EPOCHS and lost > 2 * noise:
        yield prose(
            "The validation ELBO was best in epoch {best} of {epochs} and has lost {lost} nats "
            "since: stopping there would have been better.",
            best=facts.history[best].epoch,
            epochs=len(held_out),
            lost=f"{lost:.2f}",
        )


def _kept_earlier(facts: EntryFacts, held_out: Sequence[float]) -> Iterator[Prose]:
    """The validation ELBO after the epoch that early stopping kept."""
    kept = facts.kept
    if kept is None or kept is facts.history[-1]:
        return
    after = held_out[facts.history.index(kept) + 1 :]
    yield prose(
        "The weights are those of epoch {best}, kept by early stopping. In the {after} epochs "
        "after it, the validation ELBO changed by {change} nats at best.",
        best=kept.epoch,
        after=len(after),
        change=shown(max(after) - (kept.validation or {})["elbo"], sign=True),
    )


def _generalizes(facts: EntryFacts) -> Iterator[Prose]:
    """Compare training and validation in the epoch that gave the weights.

    Silent if the training pixels are redrawn each time: the images then differ in each epoch, so
    the two agree even if the model overfits the gray levels.
    """
    kept, test = facts.kept, facts.of_role("elbo")
    error = test.standard_error if test else None
    if facts.redrawn or error is None or not kept or not kept.validation:
        return
    if not (_finite(kept.train, "elbo") and _finite(kept.validation, "elbo")):
        return
    gap = kept.train["elbo"] - kept.validation["elbo"]
    limit = _SIGNIFICANT_ERRORS * error
    yield prose(
        "In epoch {epoch}, which gave the weights, the validation ELBO is {size} nats {side} the "
        "training ELBO (a running mean within the epoch). That is {more} than {clear} standard "
        "errors of the test ELBO (±{error}): {verdict}.",
        epoch=kept.epoch,
        size=f"{abs(gap):.2f}",
        side="below" if gap > 0 else "above",
        more="more" if abs(gap) > limit else "less",
        clear=f"{_SIGNIFICANT_ERRORS:g}",
        error=f"{error:.2f}",
        verdict="the model has started to overfit" if gap > limit else "no sign of overfitting",
    )


_OBSERVERS: tuple[Callable[[EntryFacts], Iterator[Prose]], ...] = (
    _not_finite,
    _not_held_out,
    _targets,
    _unused,
    _concentrated,
    _still_moving,
    _past_its_best,
    _generalizes,
    _weighed,
    *MEASURED,
)


def _elbos(history: Sequence[EpochRecord]) -> tuple[str, list[float]]:
    """The split and its ELBO after each epoch: validation if images were held out."""
    held_out = [record.validation["elbo"] for record in history if record.validation]
    if history and len(held_out) == len(history):
        return "validation", held_out
    return "training", [record.train["elbo"] for record in history]


def _weights_move(spec: Spec, first: int, last: int) -> bool:
    """Whether a schedule changes a weight of the loss, and so the ELBO, in these epochs."""
    return any(
        isinstance(weight, Schedule)
        and (value_at(weight, first) != value_at(weight, last) or bool(weight.cyclical))
        for weight in spec.loss.weights.values()
    )


def _finite(terms: dict[str, float], *names: str) -> bool:
    return all(math.isfinite(terms.get(name, math.nan)) for name in names)
