"""Interpretations of figures as sentences for reports; any figure may be missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vaezoo.registry import Figure

if TYPE_CHECKING:
    from vaezoo.spec.spec import Spec

Figures = Mapping[str, Figure]

#: fraction of its upper limit above which mutual information is saturated
_SATURATED = 0.95
#: standard errors that make a difference significant
_SIGNIFICANT = 3.0
#: a clear difference of precision and recall, which have no standard error
_CLEAR_DIFFERENCE = 0.1


def of_information(figures: Figures, spec: Spec) -> tuple[str, ...]:
    """Mutual information and marginal KL (Hoffman and Johnson 2016)."""
    information, marginal = figures.get("mutual_information"), figures.get("marginal_kl")
    if not information or not marginal:
        return ()
    limit = math.log(information.examples)
    allowed = f"at most log {information.examples:,} = {limit:.2f}"
    if information.value > _SATURATED * limit:
        allowed = f"about as much as log {information.examples:,} = {limit:.2f} allows"
    dependence = figures.get("total_correlation")
    dependent = ""
    if dependence and spec.model.prior.is_factorial:
        shown = _signed(dependence.value)
        dependent = f", {shown} of them because the latents depend on each other"
    return (
        f"Of the KL, {_signed(information.value)} nats distinguish images ({allowed}); the other "
        f"{_signed(marginal.value)} are the mismatch between the codes of all images and the "
        f"prior{dependent}.",
    )


def of_gaps(figures: Figures) -> tuple[str, ...]:
    """The two parts of the inference gap (Cremer, Li and Duvenaud 2018)."""
    gained, rest = figures.get("amortisation_gap"), figures.get("remaining_gap")
    if not gained or not rest:
        return ()
    together = gained.value + rest.value
    share = f"; fitting gains {gained.value / together:.0%} of them" if gained.value > 0 else ""
    return (
        f"On {gained.examples:,} of the test images a diagonal Gaussian fitted to each image gains "
        f"{_with_error(gained)} nats over the encoder's: the amortization gap. The "
        f"importance-weighted bound with {rest.samples:,} draws from it is {_with_error(rest)} "
        f"nats above its ELBO. The encoder's ELBO is {together:.2f} nats below that bound{share}.",
    )


def of_tighter_bound(figures: Figures) -> tuple[str, ...]:
    """Suggest the metric ``amortisation_gap`` if it is missing."""
    if "amortisation_gap" in figures or not {"iw_bound", "elbo"} <= figures.keys():
        return ()
    if figures["iw_bound"].value <= figures["elbo"].value:
        return ()
    return (
        "How much of the gap between the two bounds the encoder causes is not measured: add "
        "the metric `amortisation_gap`.",
    )


def of_classes(figures: Figures) -> tuple[str, ...]:
    """Report classes that are separable, but not linearly."""
    linear, nearest = figures.get("probe_accuracy"), figures.get("knn_accuracy")
    errors = [f.standard_error for f in (linear, nearest) if f and f.standard_error is not None]
    if not linear or not nearest or len(errors) < 2:
        return ()
    if nearest.value - linear.value <= _SIGNIFICANT * math.hypot(*errors):
        return ()
    return (
        "The classes are clusters of posterior means that are not linearly separable: a linear "
        f"classifier is right for {linear.value:.1%} of the test images, nearest neighbors among "
        f"the training images for {nearest.value:.1%}.",
    )


def of_samples(figures: Figures) -> tuple[str, ...]:
    """Report a clear difference of precision and recall."""
    precision, recall = figures.get("precision"), figures.get("recall")
    if not precision or not recall or abs(precision.value - recall.value) <= _CLEAR_DIFFERENCE:
        return ()
    more, less = "like images", "varied"
    if recall.value > precision.value:
        more, less = less, more
    return (
        f"Samples are more {more} than {less}: in a classifier's features {precision.value:.0%} "
        f"of them are near test images, and {recall.value:.0%} of the test images are near them.",
    )


def _with_error(figure: Figure) -> str:
    error = "" if figure.standard_error is None else f" ± {figure.standard_error:.2f}"
    return _signed(figure.value) + error


def _signed(value: float) -> str:
    """Two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "−")
