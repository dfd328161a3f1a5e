"""What figures show, in sentences for reports. Each is said only of figures that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vaezoo.registry import Figure

if TYPE_CHECKING:
    from vaezoo.spec.spec import Spec

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


def of_gaps(figures: Figures) -> tuple[str, ...]:
    """The gap between bound and ELBO in two parts (Cremer, Li and Duvenaud 2018)."""
    gained, rest = figures.get("amortisation_gap"), figures.get("remaining_gap")
    if not gained or not rest:
        return ()
    together = gained.value + rest.value
    share = f"; fitting gains {gained.value / together:.0%} of them" if gained.value > 0 else ""
    return (
        f"On {gained.examples:,} of the test images a diagonal Gaussian that is fitted to each by "
        f"itself gains {_with_error(gained)} nats over the encoder's, the amortisation gap. The "
        f"importance-weighted bound with {rest.samples:,} draws from it lies {_with_error(rest)} "
        f"nats above its ELBO. Between the encoder's ELBO and that bound lie {together:.2f} "
        f"nats{share}.",
    )


def of_tighter_bound(figures: Figures) -> tuple[str, ...]:
    """What the gap to the ELBO leaves open, where it is not measured."""
    if "amortisation_gap" in figures or not {"iw_bound", "elbo"} <= figures.keys():
        return ()
    if figures["iw_bound"].value <= figures["elbo"].value:
        return ()
    return (
        "What part of the gap between the two bounds a posterior fitted to each image would win "
        "back is not recorded: the metric `amortisation_gap` measures it.",
    )


def of_classes(figures: Figures) -> tuple[str, ...]:
    """Whether classes are groups that no flat boundary parts."""
    linear, nearest = figures.get("probe_accuracy"), figures.get("knn_accuracy")
    errors = [f.standard_error for f in (linear, nearest) if f and f.standard_error is not None]
    if not linear or not nearest or len(errors) < 2:
        return ()
    if nearest.value - linear.value <= _CLEAR * math.hypot(*errors):
        return ()
    return (
        "The classes are groups of posterior means that flat boundaries do not part: a linear "
        f"classifier finds {linear.value:.1%} of the test images' classes, a vote of the nearest "
        f"training images {nearest.value:.1%}.",
    )


def of_samples(figures: Figures) -> tuple[str, ...]:
    """Whether samples are rather like images or rather varied."""
    precision, recall = figures.get("precision"), figures.get("recall")
    if not precision or not recall or abs(precision.value - recall.value) <= _APART:
        return ()
    more, less = "like images", "varied"
    if recall.value > precision.value:
        more, less = less, more
    return (
        f"Samples are more {more} than {less}: by a classifier's features {precision.value:.0%} "
        f"of them lie among the test images, and {recall.value:.0%} of the test images among them.",
    )


def _with_error(figure: Figure) -> str:
    error = "" if figure.standard_error is None else f" ± {figure.standard_error:.2f}"
    return _signed(figure.value) + error


def _signed(value: float) -> str:
    """Two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
