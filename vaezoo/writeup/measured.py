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


def _rate(facts: Facts) -> Iterator[Prose]:
    kl, elbo = facts.figure("kl"), facts.figure("elbo")
    if kl and elbo and elbo.value < 0:
        yield prose(
            "As a code the model spends {kl} nats ({bits} bits) an image on its latents, "
            "{share} of the −ELBO.",
            kl=f"{kl.value:.2f}",
            bits=f"{kl.value / math.log(2):.1f}",
            share=f"{kl.value / -elbo.value:.1%}",
        )


def _bound(facts: Facts) -> Iterator[Prose]:
    tighter, elbo = facts.figure("iw_bound"), facts.figure("elbo")
    if tighter and elbo and tighter.value > elbo.value:
        yield prose(
            "The importance-weighted bound with {samples} draws lies {gap} nats above the ELBO: at "
            "least so much is lost to the form of the posterior.",
            samples=f"{tighter.samples:,}",
            gap=f"{tighter.value - elbo.value:.2f}",
        )


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


def _copies(facts: Facts) -> Iterator[Prose]:
    similarity, error = facts.figure("ssim"), facts.figure("mse")
    clauses = []
    if similarity:
        clauses.append(
            f"have a structural similarity of {similarity.value:.3f} to their images, of 1 at most"
        )
    if error:
        root = math.sqrt(error.value)
        clauses.append(f"are off by {root:.3f} a pixel on [0, 1] (root mean square)")
    if clauses:
        yield prose("Reconstructions {said}.", said=", and ".join(clauses))


def _classes(facts: Facts) -> Iterator[Prose]:
    linear, nearest = facts.figure("probe_accuracy"), facts.figure("knn_accuracy")
    ways = []
    if linear:
        ways.append(f"a linear classifier finds the class of {linear.value:.1%} of the test images")
    if nearest:
        of = "that of" if ways else "finds the class of"
        of_what = "" if ways else " of the test images"
        ways.append(f"a vote of the nearest training images {of} {nearest.value:.1%}{of_what}")
    if ways:
        yield prose(
            "From the posterior means {ways}{verdict}.",
            ways=", ".join(ways),
            verdict=_parted(linear, nearest),
        )


def _parted(linear: Figure | None, nearest: Figure | None) -> str:
    """Whether classes are groups that no flat boundary parts."""
    errors = [f.standard_error for f in (linear, nearest) if f and f.standard_error is not None]
    if not linear or not nearest or len(errors) < 2:
        return ""
    if nearest.value - linear.value <= _CLEAR * math.hypot(*errors):
        return ""
    return ": the classes are groups that flat boundaries do not part"


def _samples(facts: Facts) -> Iterator[Prose]:
    precision, recall = facts.figure("precision"), facts.figure("recall")
    if not precision or not recall:
        return
    apart = precision.value - recall.value
    verdict = ""
    if abs(apart) > _APART:
        more, less = ("like images", "varied") if apart > 0 else ("varied", "like images")
        verdict = f": they are more {more} than {less}"
    yield prose(
        "By a classifier's features {precision} of the samples lie among the test images, and "
        "{recall} of the test images among the samples{verdict}.",
        precision=f"{precision.value:.0%}",
        recall=f"{recall.value:.0%}",
        verdict=verdict,
    )


#: every look at the figures, in the order of what is said
MEASURED: tuple[Callable[[Facts], Iterator[Prose]], ...] = (
    _rate,
    _where_the_kl_goes,
    _bound,
    _floor,
    _copies,
    _classes,
    _samples,
)
