"""Compare recorded figures with recomputed ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vaezoo.diagnostics import VaezooError
from vaezoo.evaluation.evaluate_entry import (
    Advance,
    Announce,
    compute_figures,
    context_of,
    metric_of,
)
from vaezoo.evaluation.verify.verdict import Check, one_line
from vaezoo.registry import EvaluationContext, Figure, Metrics, Quantity, Registry
from vaezoo.spec.declared_figures import described_by, names_of
from vaezoo.zoo.entry_tables import counted

if TYPE_CHECKING:
    from vaezoo.model import VAE
    from vaezoo.registry import ImageData, Metric
    from vaezoo.spec.spec import Spec

#: Relative tolerance with the same draws of z: the order of sums depends on threads and torch.
_ROUNDING = 1e-4
#: Tolerance with other draws (another type of device or number of draws), in standard errors over
#: images. The noise of draws is smaller than the spread of images.
_OTHER_DRAWS = 0.5
#: Relative tolerance with other draws, for figures without a standard error.
_OTHER_DRAWS_RELATIVE = 0.05
#: Tolerance of an estimate from a few images, in its standard errors. It has ten parts, so its
#: error is not accurate.
_ESTIMATED = 5.0


@dataclass(frozen=True)
class Recomputed:
    """A recomputed figure ``found``, the ``recorded`` one, or both, and the check of their values.

    ``found`` is None if the value was estimated from a few images or could not be computed.
    ``same_draws`` says whether both have the same draws. ``current`` is the figure with its
    current description; None if it could not be computed.
    """

    found: Figure | None
    recorded: Figure | None
    check: Check
    same_draws: bool = False
    current: Figure | None = None

    @property
    def believed(self) -> Figure | None:
        """The figure for judging targets."""
        if self.found is not None:
            return self.found
        return self.recorded if self.check.passed else None


def recompute(
    model: VAE,
    data: ImageData,
    recorded: Metrics,
    *,
    samples: int | None,
    same_device: bool,
    registry: Registry,
    announce: Announce,
    advance: Advance,
) -> Iterator[Recomputed]:
    """Recompute every figure of the model's spec, and every other recorded figure.

    ``samples`` limits the draws of z. A bound that rises with them is estimated from a few images.
    """
    found: list[Figure] = []
    expensive: list[tuple[Metric, EvaluationContext]] = []
    for split, metrics in _metrics_by_split(model.spec, recorded, registry).items():
        try:
            context = context_of(model, data, split, advance)
        except VaezooError as error:
            yield from (_failed(f, error) for f in recorded.figures if f.split == split)
            continue
        for metric in metrics:
            if _is_expensive(metric, samples, _images_of(metric, context, recorded)):
                expensive.append((metric, context))
                continue
            try:
                figures = compute_figures([_with_samples(metric, samples)], context, announce)
            except VaezooError as error:
                names = names_of(type(metric))
                known = [f for f in recorded.figures if f.split == split and f.name in names]
                yield from (_failed(figure, error) for figure in known)
                continue
            for figure in figures:
                found.append(figure)
                yield _compared(figure, recorded, same_device)
    for metric, context in expensive:
        for quantity in type(metric).figures:
            bound = recorded.figure(f"{context.split_name}/{quantity.name}")
            yield _estimated(metric, quantity, context, bound, found, announce)
    yield from _without_metric(model.spec, recorded, registry)


def wording(one: Recomputed, of_this_version: bool) -> Check | None:
    """Compare the protocol with the recorded one; None if they agree or one is missing."""
    if one.current is None or one.recorded is None:
        return None
    keys = ["unit", "likelihood", "binarisation", "examples"]
    keys += ["samples"] if one.found is None else []  # compared with its value otherwise
    keys += ["about", "likelihood_caveat"] if of_this_version else []
    keys += ["note"] if of_this_version and one.same_draws else []
    wrong = [
        f"{key} is {getattr(one.current, key)!r}, recorded {getattr(one.recorded, key)!r}"
        for key in keys
        if getattr(one.current, key) != getattr(one.recorded, key)
    ]
    return Check(one.check.what, False, "; ".join(wrong)) if wrong else None


def _failed(recorded: Figure, error: VaezooError) -> Recomputed:
    return _unconfirmed(recorded, f"cannot recompute it: {one_line(error)}")


def _unconfirmed(recorded: Figure, reason: str) -> Recomputed:
    return Recomputed(None, recorded, Check(f"{recorded.split}/{recorded.name}", False, reason))


def _without_metric(spec: Spec, recorded: Metrics, registry: Registry) -> Iterator[Recomputed]:
    """The recorded figures without a metric, and duplicates."""
    seen: set[tuple[str, str]] = set()
    for figure in recorded.figures:
        if metric_of(figure, spec, registry) is None:
            yield _unconfirmed(figure, "cannot recompute it: no installed plugin has its metric")
        elif (figure.split, figure.name) in seen:
            yield _unconfirmed(figure, "it is recorded twice")
        seen.add((figure.split, figure.name))


def _metrics_by_split(spec: Spec, recorded: Metrics, registry: Registry) -> dict[str, list[Metric]]:
    """The metrics to compute by split: those of the spec, and of other recorded figures."""
    taken = {"test": list(spec.metrics)}
    for figure in recorded.figures:
        metrics = taken.setdefault(figure.split, [])
        if described_by(metrics, figure.name):
            continue
        metric = metric_of(figure, spec, registry)
        if metric is not None:
            metrics.append(metric)
    return taken


def _moves_with_samples(metric: Metric) -> bool:
    """Whether a figure of the metric depends on the number of draws of z."""
    return any(quantity.with_samples != "unbiased" for quantity in type(metric).figures)


def _images_of(metric: Metric, context: EvaluationContext, recorded: Metrics) -> int:
    """The number of images that a metric uses; some use only part of the split."""
    figures = (recorded.figure(f"{context.split_name}/{q.name}") for q in type(metric).figures)
    return max((f.examples for f in figures if f), default=len(context.split))


def _is_expensive(metric: Metric, samples: int | None, images: int) -> bool:
    """Whether a figure that depends on the number of draws needs too many of them."""
    from vaezoo.evaluation.few_images import images_needed

    own = getattr(metric, "samples", 0)
    too_many = samples is not None and own > samples and images_needed(own, images) < images
    return too_many and _moves_with_samples(metric)


def _with_samples(metric: Metric, samples: int | None) -> Metric:
    """The metric with fewer draws, if its figures do not depend on their number."""
    own = getattr(metric, "samples", None)
    if samples is None or own is None or own <= samples:
        return metric
    if _moves_with_samples(metric):
        return metric
    return metric.model_copy(update={"samples": samples})


def _compared(found: Figure, metrics: Metrics, same_device: bool) -> Recomputed:
    what = f"{found.split}/{found.name}"
    recorded = metrics.figure(what)
    if recorded is None:
        detail = f"{found.value:.4f} is not recorded in the entry"
        return Recomputed(found, None, Check(what, False, detail), current=found)
    same_draws = same_device and found.samples == recorded.samples
    allowed = _ROUNDING * max(abs(recorded.value), 1)
    if not same_draws and found.samples:
        allowed = _loose_tolerance(recorded)
    difference = abs(found.value - recorded.value)
    passed = difference <= allowed or (math.isnan(found.value) and math.isnan(recorded.value))
    drawn = f" ({counted(found.samples)})" if found.samples else ""
    detail = (
        f"{found.value:.4f}{drawn}, recorded {recorded.value:.4f}, "
        f"{difference:.2g} apart, {allowed:.2g} allowed"
    )
    others = _other_differences(found, recorded, same_draws) if passed else ""
    check = Check(what, passed and not others, detail + others)
    return Recomputed(found, recorded, check, same_draws, found)


def _agree(error: float, other: float, allowed: float, draws: float) -> bool:
    """Whether a standard error agrees with another, that of ``draws`` times as many draws.

    The part of it that comes from draws falls with the square root of their number.
    """
    low, high = sorted((1.0, math.sqrt(draws)))
    slack = allowed * max(error, 1e-6)
    return low * other - slack <= error <= high * other + slack


def _other_differences(found: Figure, recorded: Figure, same_draws: bool) -> str:
    """The problems of the standard error and the values per dimension, as text."""
    error, other = found.standard_error, recorded.standard_error
    if (error is None) != (other is None):
        return f"; its standard error is {error}, recorded {other}"
    # a mean over the same images, so other draws change it little
    allowed = _ROUNDING if same_draws else _OTHER_DRAWS_RELATIVE
    draws = max(recorded.samples, 1) / max(found.samples, 1)
    if error is not None and other is not None and not _agree(error, other, allowed, draws):
        return f"; its standard error is {error:.4g}, recorded {other:.4g}"
    each, before = found.per_dimension or (), recorded.per_dimension or ()
    if len(each) != len(before):
        return f"; it has {len(each)} numbers by dimension, recorded are {len(before)}"
    scale = max((abs(number) for number in each), default=0.0)
    apart = max((abs(a - b) for a, b in zip(each, before, strict=True)), default=0.0)
    if apart > allowed * max(scale, 1):
        return f"; its numbers by dimension are up to {apart:.2g} from the recorded ones"
    return ""


def _estimated(
    metric: Metric,
    quantity: Quantity,
    context: EvaluationContext,
    recorded: Figure | None,
    figures: Sequence[Figure],
    announce: Announce,
) -> Recomputed:
    """Compare a recorded figure with an estimate from a few images and the same draws."""
    from vaezoo.evaluation.few_images import KnownELBO, bound_by_few, images_needed
    from vaezoo.training.execution.cpu_matmul import fast_float32

    what = f"{context.split_name}/{quantity.name}"
    if recorded is None:
        return Recomputed(None, None, Check(what, False, "it is not recorded in the entry"))
    announce(metric.use, images_needed(recorded.samples, len(context.split)))
    known = [
        KnownELBO(kind, figure.name, figure.value)
        for figure in figures
        for kind in context.spec.metrics
        if (figure.split, figure.role) == (recorded.split, "elbo")
        and figure.name in names_of(type(kind))
    ]
    elbo = known[0] if known and quantity.role == "bound" else None
    with fast_float32(context.model.device):
        found = bound_by_few(metric, quantity.name, recorded.samples, context, elbo)
    difference, allowed = abs(found.value - recorded.value), _ESTIMATED * found.error
    check = Check(
        what,
        difference <= allowed,
        f"{found.value:.4f} by {found.images:,} images ({counted(recorded.samples)}), recorded "
        f"{recorded.value:.4f}, {difference:.2g} apart, {allowed:.2g} allowed",
    )
    return Recomputed(
        None, recorded, check, current=replace(found.part, examples=len(context.split))
    )


def _loose_tolerance(recorded: Figure) -> float:
    """The allowed difference with other draws."""
    error = recorded.standard_error
    return _OTHER_DRAWS * error if error else _OTHER_DRAWS_RELATIVE * abs(recorded.value)
