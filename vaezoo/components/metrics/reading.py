"""What figures show, in sentences for reports. Each is said only of figures that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vaezoo.registry import Figure

if TYPE_CHECKING:
    from vaezoo.spec import Spec

Figures = Mapping[str, Figure]

#: share of its ceiling above which mutual information says no more
_AT_CEILING = 0.95
#: how many standard errors make a difference one
_CLEAR = 3.0
#: how far precision and recall, which have no standard error, are clearly apart
_APART = 0.1


def of_information(figures: Figures, spec: Spec) -> tuple[str, ...]:
    """Mutual information and marginal KL (Hoffman and Johnson 2016)."""
    information, marginal = figures.get("mutual_information"), figures.get("marginal_kl")
    if not information or not marginal:
        return ()
    ceiling = math.log(information.examples)
    allowed = f"at most log {information.examples:,} = {ceiling:.2f}"
    if information.value > _AT_CEILING * ceiling:
        allowed = f"about as much as log {information.examples:,} = {ceiling:.2f} allows"
    dependence = figures.get("total_correlation")
    dependent = ""
    if dependence and spec.model.prior.is_factorial:
        shown = _signed(dependence.value)
        dependent = f", {shown} of them since the latents depend on each other"
    return (
        f"Of the KL, {_signed(information.value)} nats tell one image from another ({allowed}); "
        f"the other {_signed(marginal.value)} are how far the codes of all images together lie "
        f"from the prior{dependent}.",
    )


def of_copies(figures: Figures) -> tuple[str, ...]:
    """How close reconstructions come to their images."""
    similarity, error = figures.get("ssim"), figures.get("mse")
    clauses = []
    if similarity:
        clauses.append(
            f"have a structural similarity of {similarity.value:.3f} to their images, of 1 at most"
        )
    if error:
        root = math.sqrt(error.value)
        clauses.append(f"are off by {root:.3f} a pixel on [0, 1] (root mean square)")
    return (f"Reconstructions {', and '.join(clauses)}.",) if clauses else ()


def of_classes(figures: Figures) -> tuple[str, ...]:
    """What two classifiers find in the posterior means."""
    linear, nearest = figures.get("probe_accuracy"), figures.get("knn_accuracy")
    ways = []
    if linear:
        ways.append(f"a linear classifier finds the class of {linear.value:.1%} of the test images")
    if nearest:
        of = "that of" if ways else "finds the class of"
        of_what = "" if ways else " of the test images"
        ways.append(f"a vote of the nearest training images {of} {nearest.value:.1%}{of_what}")
    if not ways:
        return ()
    return (f"From the posterior means {', '.join(ways)}{_parted(linear, nearest)}.",)


def _parted(linear: Figure | None, nearest: Figure | None) -> str:
    """Whether classes are groups that no flat boundary parts."""
    errors = [f.standard_error for f in (linear, nearest) if f and f.standard_error is not None]
    if not linear or not nearest or len(errors) < 2:
        return ""
    if nearest.value - linear.value <= _CLEAR * math.hypot(*errors):
        return ""
    return ": the classes are groups that flat boundaries do not part"


def of_samples(figures: Figures) -> tuple[str, ...]:
    """Whether samples are more like images than varied, or the other way round."""
    precision, recall = figures.get("precision"), figures.get("recall")
    if not precision or not recall:
        return ()
    apart = precision.value - recall.value
    verdict = ""
    if abs(apart) > _APART:
        more, less = ("like images", "varied") if apart > 0 else ("varied", "like images")
        verdict = f": they are more {more} than {less}"
    return (
        f"By a classifier's features {precision.value:.0%} of the samples lie among the test "
        f"images, and {recall.value:.0%} of the test images among the samples{verdict}.",
    )


def _signed(value: float) -> str:
    """Two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
