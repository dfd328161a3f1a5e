"""Whether an entry is what it says: what ``vaezoo verify`` does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vaezoo.diagnostics import VaezooError, describe
from vaezoo.measurement import Advance, Announce, scene_of, take
from vaezoo.registry import EpochRecord, Figure, Registry, discover
from vaezoo.zoo import Entry, find

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import ImageData, Metric
    from vaezoo.spec import Spec

#: How far a figure may lie from the recorded one, relative to it, when it is taken in the same
#: way: other threads and versions of torch add in another order.
_ROUNDING = 1e-4
#: ... and in standard errors over images, when the draws of z are others: another kind of device
#: or another number of them. The noise of draws is smaller than the spread of images.
_OTHER_DRAWS = 0.5
#: ... and relative to it, for figures that come without a standard error
_OTHER_DRAWS_RELATIVE = 0.05


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: ``detail`` says what was found."""

    what: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All checks of one entry."""

    name: str
    path: Path
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def verify(
    name: str | Path,
    *,
    samples: int | None = None,
    zoo: str | Path | None = None,
    device: str = "cpu",
    registry: Registry | None = None,
    announce: Announce = lambda metric, examples: None,
    advance: Advance = lambda examples: None,
) -> Verdict:
    """Check an entry against itself: ``vaezoo.verify("mnist_mlp20").passed``.

    The digest of its weights; its lock, plugins and dataset; the figures of the spec's metrics,
    taken again and held against the recorded ones; and every target of the spec. ``samples``
    takes fewer draws of z than were recorded, which is faster and looser.

    Raises UsageError (VZ501) for an unknown entry. What is wrong with a known one is in the
    verdict.
    """
    entry = find(name, zoo=zoo)
    checks = tuple(_checks(entry, samples, device, registry or discover(), announce, advance))
    return Verdict(entry.name, entry.path, checks)


def _checks(
    entry: Entry,
    samples: int | None,
    device: str,
    registry: Registry,
    announce: Announce,
    advance: Advance,
) -> Iterator[Check]:
    """Every check that can still be made; one that fails may leave no ground for the others."""
    try:
        model = entry.load(registry, device)
        data = model.spec.dataset.build()
        recorded = entry.metrics
    except VaezooError as error:
        text = "; ".join(describe(finding) for finding in error.diagnostics)
        yield Check("weights and lock", False, text)
        return
    yield Check("weights", True, f"digest {entry.header['digest'][:12]} is that of the tensors")
    yield _dataset(entry, data)
    metrics = [_with_samples(metric, samples) for metric in model.spec.metrics]
    figures = take(metrics, scene_of(model, data, "test", advance), announce)
    same_device = entry.lock["device"]["type"] == model.device.type
    for figure in figures:
        yield _figure(figure, recorded.figure(f"test/{figure.name}"), same_device)
    yield from _targets(model, entry, figures)


def _dataset(entry: Entry, data: ImageData) -> Check:
    recorded = entry.lock["dataset"]["digest"]
    if recorded == data.digest:
        return Check("dataset", True, f"digest {data.digest[:12]} is that of the lock")
    detail = f"the digest is {data.digest[:12]}, the lock has {recorded[:12]}"
    return Check("dataset", False, detail)


def _with_samples(metric: Metric, samples: int | None) -> Metric:
    """The metric with fewer draws, if it draws at all."""
    own = getattr(metric, "samples", None)
    if samples is None or own is None or own <= samples:
        return metric
    return metric.model_copy(update={"samples": samples})


def _figure(found: Figure, recorded: Figure | None, same_device: bool) -> Check:
    what = f"{found.split}/{found.name}"
    if recorded is None:
        return Check(what, False, f"{found.value:.4f} is not recorded in the entry")
    same_way = same_device and found.samples == recorded.samples
    allowed = _ROUNDING * max(abs(recorded.value), 1)
    if not same_way and found.samples:
        error = recorded.standard_error
        allowed = _OTHER_DRAWS * error if error else _OTHER_DRAWS_RELATIVE * abs(recorded.value)
    difference = abs(found.value - recorded.value)
    passed = difference <= allowed or (math.isnan(found.value) and math.isnan(recorded.value))
    drawn = f" ({found.samples} samples)" if found.samples else ""
    return Check(
        what,
        passed,
        f"{found.value:.4f}{drawn}, recorded {recorded.value:.4f}, "
        f"{difference:.2g} apart, {allowed:.2g} allowed",
    )


def _targets(model: VAE, entry: Entry, figures: Iterable[Figure]) -> Iterator[Check]:
    from vaezoo.evaluation import judge

    history = entry.history[: _kept_epoch(model.spec, entry.history)]
    for target in judge(model.spec, list(figures), history):
        yield Check(
            f"target {target['metric']}",
            target["reached"],
            f"{target['figure']:.2f}, published {target['value']:g} ± {target['tolerance']:g} "
            f"({target['source']})",
        )


def _kept_epoch(spec: Spec, history: Sequence[EpochRecord]) -> int:
    """The epoch whose weights were kept: with early stopping, that of the best ELBO."""
    stopping = spec.train.early_stopping
    best, kept = -math.inf, 0
    for record in history:
        if stopping and record.validation and record.validation["elbo"] > best:
            best, kept = record.validation["elbo"] + stopping.min_delta, record.epoch
    return kept or len(history)
