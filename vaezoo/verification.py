"""Whether an entry is what it says: what ``vaezoo verify`` does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vaezoo.diagnostics import VaezooError, describe
from vaezoo.measurement import Advance, Announce, scene_of, take
from vaezoo.registry import EpochRecord, Figure, Registry, Scene, discover
from vaezoo.registry.verdicts import TargetResult, in_words_with_note, is_upheld
from vaezoo.zoo import Entry, find
from vaezoo.zoo.entry import Metrics
from vaezoo.zoo.listing import counted

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
#: Bounds that rise with the number of draws: with fewer of them they are other figures.
_RISING = frozenset({"iw_bound"})
#: How many standard errors an estimate from a few images may be off. It has ten parts, so that its
#: error is not well known itself.
_ESTIMATED = 5.0


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

    The digest of its weights; its lock, plugins, spec and dataset; every recorded figure, taken
    again; and every target of the spec. ``samples`` takes fewer draws of z than were recorded,
    which is faster and looser; a bound that rises with them is estimated from a few images.

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
        recorded, history = entry.metrics, entry.history
    except VaezooError as error:
        text = "; ".join(describe(finding) for finding in error.diagnostics)
        yield Check("weights and lock", False, text)
        return
    yield Check("weights", True, f"digest {entry.header['digest'][:12]} is that of the tensors")
    yield _lock(entry, model.spec, registry)
    yield from _readable_spec(entry)
    yield _dataset(entry, data)
    figures, dear = [], []
    for split, metrics in _taken(model.spec, recorded, registry).items():
        scene = scene_of(model, data, split, advance)
        for metric in metrics:
            if _is_dear(metric, samples, len(scene.split)):
                dear.append((metric, scene))
            else:
                figures += take([_with_samples(metric, samples)], scene, announce)
    same_device = entry.lock["device"]["type"] == model.device.type
    for figure in figures:
        yield _figure(figure, recorded, same_device)
    believed = []
    for metric, scene in dear:
        for name in type(metric).figures:
            bound = recorded.figure(f"{scene.split_name}/{name}")
            yield _estimated(metric, name, scene, bound, figures, announce)
            believed += [bound] if bound else []
    yield from _targets(model, history, figures, believed)


def _lock(entry: Entry, spec: Spec, registry: Registry) -> Check:
    """The lock speaks of this spec. Code that has changed since is told, and judged by figures."""
    from vaezoo.zoo.drift import drift
    from vaezoo.zoo.lock import contradictions

    wrong = contradictions(entry.lock, spec, registry)
    if wrong:
        return Check("lock", False, "; ".join(wrong))
    changed = [finding.message for finding in drift(entry.lock, registry, entry.name)]
    return Check("lock", True, "; ".join(["it is that of the spec", *changed]))


def _readable_spec(entry: Entry) -> Iterator[Check]:
    """spec.yaml, which people read, against the header, which is loaded."""
    from vaezoo.spec.document import parse_document
    from vaezoo.zoo.entry import SPEC

    if entry.stands_alone:
        return
    try:
        document, findings = parse_document((entry.path / SPEC).read_text("utf-8"), SPEC)
    except (OSError, UnicodeDecodeError) as error:
        yield Check(SPEC, False, f"it cannot be read: {error}")
        return
    same = not findings and document.data() == entry.spec_data
    yield Check(SPEC, same, f"it is {'' if same else 'not '}that of the weights file")


def _dataset(entry: Entry, data: ImageData) -> Check:
    recorded = entry.lock["dataset"]["digest"]
    if recorded == data.digest:
        return Check("dataset", True, f"digest {data.digest[:12]} is that of the lock")
    detail = f"the digest is {data.digest[:12]}, the lock has {recorded[:12]}"
    return Check("dataset", False, detail)


def _taken(spec: Spec, recorded: Metrics, registry: Registry) -> dict[str, list[Metric]]:
    """The metrics to take, by split: those of the spec, and what else was recorded."""
    taken = {"test": list(spec.metrics)}
    for figure in recorded.figures:
        metrics = taken.setdefault(figure.split, [])
        if any(figure.name in type(metric).figures for metric in metrics):
            continue
        metric = _metric_of(figure, spec, registry)
        if metric is not None:
            metrics.append(metric)
    return taken


def _metric_of(figure: Figure, spec: Spec, registry: Registry) -> Metric | None:
    """The metric that gives a figure, with as many draws; None where no plugin has one."""
    found = [row.component for row in registry.components("metric")]
    kinds = [cast("type[Metric]", kind) for kind in found]
    for kind in (kind for kind in kinds if figure.name in kind.figures):
        own = [metric for metric in spec.metrics if type(metric) is kind]
        metric = own[0] if own else kind()
        if "samples" in kind.model_fields and figure.samples:
            return metric.model_copy(update={"samples": figure.samples})
        return metric
    return None


def _is_dear(metric: Metric, samples: int | None, images: int) -> bool:
    """Whether a bound that fewer draws would lower needs more of them than one has time for."""
    from vaezoo.evaluation.few_images import images_needed

    own = getattr(metric, "samples", 0)
    too_many = samples is not None and own > samples and images_needed(own, images) < images
    return too_many and not _RISING.isdisjoint(type(metric).figures)


def _with_samples(metric: Metric, samples: int | None) -> Metric:
    """The metric with fewer draws, if it draws at all and is not another figure then."""
    own = getattr(metric, "samples", None)
    if samples is None or own is None or own <= samples:
        return metric
    if not _RISING.isdisjoint(type(metric).figures):
        return metric
    return metric.model_copy(update={"samples": samples})


def _figure(found: Figure, metrics: Metrics, same_device: bool) -> Check:
    what = f"{found.split}/{found.name}"
    recorded = metrics.figure(what)
    if recorded is None:
        return Check(what, False, f"{found.value:.4f} is not recorded in the entry")
    same_way = same_device and found.samples == recorded.samples
    allowed = _ROUNDING * max(abs(recorded.value), 1)
    if not same_way and found.samples:
        allowed = _loosely(recorded)
    difference = abs(found.value - recorded.value)
    passed = difference <= allowed or (math.isnan(found.value) and math.isnan(recorded.value))
    drawn = f" ({counted(found.samples)})" if found.samples else ""
    return Check(
        what,
        passed,
        f"{found.value:.4f}{drawn}, recorded {recorded.value:.4f}, "
        f"{difference:.2g} apart, {allowed:.2g} allowed",
    )


def _estimated(
    metric: Metric,
    name: str,
    scene: Scene,
    recorded: Figure | None,
    figures: Sequence[Figure],
    announce: Announce,
) -> Check:
    """A recorded bound against what a few images say of it, with as many draws."""
    from vaezoo.evaluation.few_images import KnownELBO, bound_by_few, images_needed
    from vaezoo.training.products import fast_float32

    what = f"{scene.split_name}/{name}"
    if recorded is None:
        return Check(what, False, "it is not recorded in the entry")
    announce(metric.use, images_needed(recorded.samples, len(scene.split)))
    known = [
        KnownELBO(kind, figure.value)
        for figure in figures
        for kind in scene.spec.metrics
        if (figure.split, figure.name) == (recorded.split, "elbo") and "elbo" in type(kind).figures
    ]
    with fast_float32(scene.model.device):
        found = bound_by_few(metric, name, recorded.samples, scene, known[0] if known else None)
    difference, allowed = abs(found.value - recorded.value), _ESTIMATED * found.error
    return Check(
        what,
        difference <= allowed,
        f"{found.value:.4f} by {found.images:,} images ({counted(recorded.samples)}), recorded "
        f"{recorded.value:.4f}, {difference:.2g} apart, {allowed:.2g} allowed",
    )


def _loosely(recorded: Figure) -> float:
    """How far other draws may put a figure."""
    error = recorded.standard_error
    return _OTHER_DRAWS * error if error else _OTHER_DRAWS_RELATIVE * abs(recorded.value)


def _targets(
    model: VAE,
    history: Sequence[EpochRecord],
    figures: Sequence[Figure],
    believed: Sequence[Figure],
) -> Iterator[Check]:
    """The spec's targets by the figures as they are now, or as recorded where that is believed."""
    from vaezoo.evaluation import judge

    kept = _kept_epoch(model.spec, history)
    try:
        targets = judge(model.spec, [*figures, *believed], history[:kept])
    except VaezooError as error:
        yield Check("targets", False, "; ".join(map(describe, error.diagnostics)))
        return
    for target in targets:
        as_recorded = next((f for f in believed if f"{f.split}/{f.name}" == target["metric"]), None)
        how = f" as recorded with {counted(as_recorded.samples)}" if as_recorded else ""
        yield Check(
            f"target {target['metric']}",
            is_upheld(target),
            f"{_told(target)}: {target['figure']:.2f}{how}, published {target['value']:g} ± "
            f"{target['tolerance']:g} ({target['source']})",
        )


def _told(target: TargetResult) -> str:
    """The verdict, its explanation, and where one lacks what to do."""
    unexplained = target["verdict"] == "better" and not target["note"]
    hint = " (say why in a note of the spec's target)" if unexplained else ""
    return in_words_with_note(target) + hint


def _kept_epoch(spec: Spec, history: Sequence[EpochRecord]) -> int:
    """The epoch whose weights were kept: with early stopping, that of the best ELBO."""
    from vaezoo.spec.resuming import outcome

    return outcome(spec.train, history).best_epoch or len(history)
