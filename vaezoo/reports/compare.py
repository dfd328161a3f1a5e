"""Compare the figures of two entries, if their protocols allow it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vaezoo.evaluation import UNUSED_BELOW, unused_latents
from vaezoo.registry import Figure
from vaezoo.registry.quantity import Role
from vaezoo.reports.blocks import Prose, prose
from vaezoo.reports.paired_difference import Paired
from vaezoo.reports.subject import Subject

#: Standard errors of a significant difference.
_SIGNIFICANT = 3.0


@dataclass(frozen=True)
class Gap:
    """The second value minus the first; ``error`` is None if one of them has none."""

    value: float
    error: float | None

    @property
    def is_clear(self) -> bool | None:
        """Whether the difference is significant; None without an error."""
        return None if self.error is None else abs(self.value) > _SIGNIFICANT * self.error

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.value:+.4g}".replace("-", "−")
        # two digits of a small error, and as many decimals of the value
        decimals = max(2, 1 - math.floor(math.log10(self.error))) if self.error > 0 else 2
        return f"{self.value:+.{decimals}f} ± {self.error:.{decimals}f}".replace("-", "−")


def gap(first: Figure, second: Figure, paired: Paired | None = None) -> Gap | None:
    """The difference of two figures; None if their protocols differ.

    Without a ``paired`` error, the errors add up as those of independent means.
    """
    if not _same_protocol(first, second) or not (
        math.isfinite(first.value) and math.isfinite(second.value)
    ):
        return None
    if paired:
        return Gap(second.value - first.value, paired.error)
    errors = first.standard_error, second.standard_error
    error = None if None in errors else math.hypot(*(e for e in errors if e is not None))
    return Gap(second.value - first.value, error)


def _same_protocol(first: Figure, second: Figure) -> bool:
    return all(
        getattr(first, name) == getattr(second, name)
        for name in ("name", "unit", "split", "likelihood", "binarisation", "examples")
    )


def incomparable(first: Subject, second: Subject) -> list[Prose]:
    """Why the figures do not compare, as clauses; empty if they do."""
    return list(_reasons(first, second))


def _reasons(first: Subject, second: Subject) -> Iterator[Prose]:
    one, other = first.model.spec, second.model.spec
    data = [subject.entry.lock.get("dataset", {}) for subject in (first, second)]
    if data[0].get("use") != data[1].get("use"):
        yield _differ("their datasets", data[0].get("use"), data[1].get("use"))
    elif first.metrics.test_is_trained_on != second.metrics.test_is_trained_on:
        seen = first if first.metrics.test_is_trained_on else second
        yield prose("the test images were part of the training data of {name}", name=seen.name)
    elif data[0].get("digest") != data[1].get("digest"):
        yield prose("the digests of their images differ")
    likelihoods = one.model.likelihood, other.model.likelihood
    if type(likelihoods[0]) is not type(likelihoods[1]):
        yield _differ("their likelihoods", likelihoods[0].use, likelihoods[1].use)
    drawn = [_binarisation(subject) for subject in (first, second)]
    if drawn[0] != drawn[1]:
        yield _differ("their binarisation", *drawn)
    counts = [_examples(subject) for subject in (first, second)]
    if None not in counts and counts[0] != counts[1]:
        yield _differ("the numbers of test images", *counts)


def _differ(what: str, one: object, other: object) -> Prose:
    return prose("{what} differ, {one} and {other}", what=what, one=one, other=other)


def _binarisation(subject: Subject) -> str:
    """As in the figures; without figures, as in the data."""
    figure = subject.metrics.of_role("elbo")
    return figure.binarisation if figure else str(subject.context.binarization)


def _examples(subject: Subject) -> int | None:
    figure = subject.metrics.of_role("elbo")
    return figure.examples if figure else None


def observe_both(
    first: Subject, second: Subject, paired: Mapping[str, Paired] | None = None
) -> list[Prose]:
    """Observations on the differences; empty if the figures do not compare."""
    if incomparable(first, second):
        return []
    known = paired or {}
    return [
        *_elbos(first, second, known),
        *_trade(first, second, known),
        *_latents(first, second),
    ]


def _elbos(first: Subject, second: Subject, paired: Mapping[str, Paired]) -> Iterator[Prose]:
    found = _gap_of("elbo", first, second, paired)
    if not found:
        return
    better, worse = (second, first) if found.value > 0 else (first, second)
    if found.is_clear is False:
        yield prose(
            "Their test ELBOs do not differ significantly: the difference of {gap} nats is within "
            "{clear} standard errors.",
            gap=found,
            clear=f"{_SIGNIFICANT:g}",
        )
        return
    yield prose(
        "{better} has the higher test ELBO (β = 1), by {gap} nats over {worse}.",
        better=better.name,
        gap=str(replace(found, value=abs(found.value))).removeprefix("+"),
        worse=worse.name,
    )


def _trade(first: Subject, second: Subject, paired: Mapping[str, Paired]) -> Iterator[Prose]:
    """Which model trades rate for distortion, and at which price."""
    rate = _gap_of("kl", first, second, paired)
    distortion = _gap_of("reconstruction", first, second, paired)
    if not rate or not distortion or not (rate.is_clear and distortion.is_clear):
        return
    if rate.value * distortion.value < 0:
        lower_rate = second if rate.value < 0 else first
        saved, paid = abs(rate.value), abs(distortion.value)
        yield prose(
            "{name} has {saved} nats less KL and {paid} nats more reconstruction loss: {each} nats "
            "for each nat saved{beta}.",
            name=lower_rate.name,
            saved=f"{saved:.2f}",
            paid=f"{paid:.2f}",
            each=f"{paid / saved:.2f}",
            beta=_betas(first, second),
        )
    else:
        less = second if rate.value < 0 else first
        yield prose(
            "{name} is better in both terms, by {rate} nats of KL and {distortion} nats of "
            "reconstruction.",
            name=less.name,
            rate=f"{abs(rate.value):.2f}",
            distortion=f"{abs(distortion.value):.2f}",
        )


def _betas(first: Subject, second: Subject) -> str:
    """The weights of the KL in the last epoch, if they differ."""
    weights = []
    for subject in (first, second):
        name = subject.model.spec.loss.kl_weight
        history = subject.entry.history
        weights.append(history[-1].weights.get(name) if name and history else None)
    if None in weights or weights[0] == weights[1]:
        return ""
    return f" (the weight of the KL is {weights[0]:g} in {first.name}, {weights[1]:g} in " + (
        f"{second.name})"
    )


def _latents(first: Subject, second: Subject) -> Iterator[Prose]:
    counts = []
    for subject in (first, second):
        kl = subject.facts.of_role("kl")
        if not kl or not kl.per_dimension:
            return
        used = len(kl.per_dimension) - len(unused_latents([kl]))
        counts.append((subject.name, used, len(kl.per_dimension)))
    if counts[0][1] != counts[1][1]:
        (one, used, of), (other, also, out_of) = counts
        yield prose(
            "{one} uses {used} of its {of} latents, {other} {also} of {out_of} ({limit} nats of KL "
            "or more).",
            one=one,
            used=used,
            of=of,
            other=other,
            also=also,
            out_of=out_of,
            limit=UNUSED_BELOW,
        )


def _gap_of(
    role: Role, first: Subject, second: Subject, paired: Mapping[str, Paired]
) -> Gap | None:
    figures = [subject.facts.of_role(role) for subject in (first, second)]
    if figures[0] is None or figures[1] is None:
        return None
    return gap(figures[0], figures[1], paired.get(f"test/{figures[0].name}"))
