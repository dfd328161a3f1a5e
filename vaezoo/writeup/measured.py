"""What the figures of an entry say by themselves: bounds, where the KL goes, what the latents
hold, how images look. Each is said only of figures that are there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from vaezoo.components.priors import StandardNormal
from vaezoo.registry import Figure
from vaezoo.writeup.content import Prose, prose
from vaezoo.writeup.facts import Facts, shown

#: share of its ceiling above which mutual information says no more
_AT_CEILING = 0.95
#: how many standard errors make a difference one
_CLEAR = 3.0
#: how far precision and recall, which have no standard error, are clearly apart
_APART = 0.1


def _bound(facts: Facts) -> Iterator[Prose]:
    tighter, elbo = facts.figure("iw_bound"), facts.figure("elbo")
    if tighter and elbo and tighter.value > elbo.value:
        yield prose(
            "The importance-weighted bound with {samples} draws lies {gap} nats above the ELBO: at "
            "least so much lies between the ELBO and what it bounds.{parts}",
            samples=f"{tighter.samples:,}",
            gap=f"{tighter.value - elbo.value:.2f}",
            parts=""
            if facts.figure("amortisation_gap")
            else prose(
                " What part of it a posterior fitted to each image would win back is not recorded: "
                "the metric `amortisation_gap` measures it."
            ),
        )


def _inference_gap(facts: Facts) -> Iterator[Prose]:
    """The gap in two parts (Cremer, Li and Duvenaud 2018)."""
    gained, rest = facts.figure("amortisation_gap"), facts.figure("remaining_gap")
    if not gained or not rest:
        return
    together = gained.value + rest.value
    share = f"; fitting gains {gained.value / together:.0%} of them" if gained.value > 0 else ""
    yield prose(
        "On {images} of the test images a diagonal Gaussian that is fitted to each by itself gains "
        "{gained} nats over the encoder's, the amortisation gap. The importance-weighted bound "
        "with {samples} draws from it lies {rest} nats above its ELBO. Between the encoder's ELBO "
        "and that bound lie {together} nats{share}.",
        images=f"{gained.examples:,}",
        gained=_with_error(gained),
        samples=f"{rest.samples:,}",
        rest=_with_error(rest),
        together=f"{together:.2f}",
        share=share,
    )


def _with_error(figure: Figure) -> str:
    error = "" if figure.standard_error is None else f" ± {figure.standard_error:.2f}"
    return shown(figure.value) + error


def _floor(facts: Facts) -> Iterator[Prose]:
    floor, distortion = facts.figure("entropy_floor"), facts.figure("reconstruction")
    if floor and distortion and floor.value > 0:
        yield prose(
            "Of the {all} nats of reconstruction {floor} are the entropy of the grey levels, which "
            "no model can go below; {rest} are the model's own.",
            all=shown(distortion.value),
            floor=shown(floor.value),
            rest=shown(distortion.value - floor.value),
        )


def _where_the_kl_goes(facts: Facts) -> Iterator[Prose]:
    """Mutual information and marginal KL (Hoffman and Johnson 2016)."""
    information, marginal = facts.figure("mutual_information"), facts.figure("marginal_kl")
    if not information or not marginal:
        return
    ceiling = math.log(information.examples)
    yield prose(
        "Of the KL, {information} nats tell one image from another ({ceiling}); the other "
        "{marginal} are how far the codes of all images together lie from the prior{correlation}.",
        information=shown(information.value),
        ceiling=f"about as much as log {information.examples:,} = {ceiling:.2f} allows"
        if information.value > _AT_CEILING * ceiling
        else f"at most log {information.examples:,} = {ceiling:.2f}",
        marginal=shown(marginal.value),
        correlation=_correlation(facts),
    )


def _correlation(facts: Facts) -> str:
    """The share of the marginal KL that is dependence, where the prior has independent latents."""
    found = facts.figure("total_correlation")
    if not found or type(facts.spec.model.prior) is not StandardNormal:
        return ""
    return f", {shown(found.value)} of them since the latents depend on each other"


def _classes(facts: Facts) -> Iterator[Prose]:
    """Whether classes are groups that no flat boundary parts."""
    linear, nearest = facts.figure("probe_accuracy"), facts.figure("knn_accuracy")
    errors = [f.standard_error for f in (linear, nearest) if f and f.standard_error is not None]
    if not linear or not nearest or len(errors) < 2:
        return
    if nearest.value - linear.value > _CLEAR * math.hypot(*errors):
        yield prose(
            "The classes are groups of posterior means that flat boundaries do not part: a linear "
            "classifier finds {linear} of the test images' classes, a vote of the nearest training "
            "images {nearest}.",
            linear=f"{linear.value:.1%}",
            nearest=f"{nearest.value:.1%}",
        )


def _samples(facts: Facts) -> Iterator[Prose]:
    """Whether samples are rather like images or rather varied."""
    precision, recall = facts.figure("precision"), facts.figure("recall")
    if not precision or not recall or abs(precision.value - recall.value) <= _APART:
        return
    more, less = "like images", "varied"
    if recall.value > precision.value:
        more, less = less, more
    yield prose(
        "Samples are more {more} than {less}: by a classifier's features {precision} of them lie "
        "among the test images, and {recall} of the test images among them.",
        more=more,
        less=less,
        precision=f"{precision.value:.0%}",
        recall=f"{recall.value:.0%}",
    )


#: every look at the figures, in the order of what is said
MEASURED: tuple[Callable[[Facts], Iterator[Prose]], ...] = (
    _where_the_kl_goes,
    _bound,
    _inference_gap,
    _floor,
    _classes,
    _samples,
)
