"""Check how β and a fixed scale of the likelihood weigh the terms of the objective.

With a normal likelihood of fixed standard deviation σ the objective is, up to a constant,
L = ‖x − μ‖² / 2σ² + β·KL. Multiplied by σ² it is ½‖x − μ‖² + βσ²·KL: relative to σ = 1 the
weight of the KL term is βσ². Divided by β it is ‖x − μ‖² / 2(σ√β)² + KL: β = 1 with the
standard deviation σ√β has the same minimum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts

#: A β this small was meant for a reconstruction term averaged over pixels.
AVERAGED = 0.01
#: The standard deviation of a pixel in [0, 1] is at most ½ (Popoviciu 1935), so even a model with
#: the same mean for every image fits better with a scale below it.
WIDEST = 0.5
#: The architectures of the shipped specs do not reach errors this small.
NARROWEST = 0.02


def effective_beta(facts: SpecFacts) -> Iterator[Remark]:
    """VZ411: β is 0, was meant for averaged terms, or only changes the scale."""
    beta, sigma = facts.beta, facts.deviation
    if beta is None or facts.kl_weight is None:
        return
    path = ("loss", facts.kl_weight)
    if beta == 0:
        yield Remark(
            "VZ411",
            "β ends at 0, so the latents need not match the prior that samples are drawn from",
            path,
            hint="end with β above 0",
        )
    elif beta <= AVERAGED and facts.pixels:
        yield Remark(
            "VZ411",
            f"β = {beta:g} nearly removes the KL term: the reconstruction is a sum over pixels",
            path,
            hint=f"for code that averages over the {facts.pixels} pixels, this β "
            f"corresponds to {beta * facts.pixels:.3g} here",
        )
    elif beta != 1 and sigma is not None:
        yield Remark(
            "VZ411",
            f"with the standard deviation fixed at σ = {sigma:.3g}, β = {beta:g} is the same as "
            f"β = 1 with σ = {sigma * math.sqrt(beta):.3g}; relative to σ = 1, the KL weight is "
            f"{beta * sigma * sigma:.3g}",  # a product that overflows is inf, a power raises
            path,
            hint="set only one of the two, or use gaussian with scale: learned",
        )


def frozen_scale(facts: SpecFacts) -> Iterator[Remark]:
    """VZ413: a fixed standard deviation, scaled by √β, far from the errors of a good model."""
    beta, sigma = facts.beta, facts.deviation
    if sigma is None or beta == 0:
        return
    effective = sigma * math.sqrt(1.0 if beta is None else beta)
    if NARROWEST <= effective <= WIDEST:
        return
    scaled = "" if effective == sigma else f" (σ√β with σ = {sigma:.3g})"
    amount = f"the likelihood's standard deviation is fixed at {effective:.3g}{scaled}"
    if effective > WIDEST:
        message = f"{amount}, but pixels in [0, 1] have at most 0.5: the KL term weighs too much"
    else:
        message = f"{amount}, below the error of any model: the KL term weighs almost nothing"
    yield Remark(
        "VZ413", message, ("model", "likelihood"), hint="use {use: gaussian, scale: learned}"
    )
