"""Whether β and the likelihood's scale weigh the terms as they seem to.

With a normal likelihood of fixed deviation σ the objective is, up to a constant,
L = ‖x − μ‖² / 2σ² + β·KL. Times σ² it is ½‖x − μ‖² + βσ²·KL, so that against unit deviation the
KL term weighs βσ². Divided by β it is ‖x − μ‖² / 2(σ√β)² + KL, so that β = 1 with the deviation
σ√β has the same minimum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from vaezoo.spec.lint.remark import Remark
from vaezoo.spec.lint.spec_facts import SpecFacts

#: A β of this size is one for a reconstruction that was averaged over pixels.
AVERAGED = 0.01
#: No pixel in [0, 1] varies by a deviation of more than ½ (Popoviciu 1935), so that even a model
#: that gives every image the same mean would have a better fixed scale below it.
WIDEST = 0.5
#: Errors that small are not reached by the architectures of the shipped specs.
NARROWEST = 0.02


def effective_beta(facts: SpecFacts) -> Iterator[Remark]:
    """VZ411: β that is 0, that was meant for averaged terms, or that only changes the scale."""
    beta, sigma = facts.beta, facts.deviation
    if beta is None or facts.kl_weight is None:
        return
    path = ("loss", facts.kl_weight)
    if beta == 0:
        yield Remark(
            "VZ411",
            "β ends at 0: nothing then holds the latents to the prior that samples are drawn from",
            path,
            hint="end at a weight above 0",
        )
    elif beta <= AVERAGED and facts.pixels:
        yield Remark(
            "VZ411",
            f"β = {beta:g} all but removes the KL term, since the other one is a sum over pixels",
            path,
            hint=f"code that averages over the {facts.pixels} pixels and has this β "
            f"means {beta * facts.pixels:.3g} here",
        )
    elif beta != 1 and sigma is not None:
        yield Remark(
            "VZ411",
            f"with the deviation fixed at {sigma:.3g}, β = {beta:g} trains the model of β = 1 "
            f"and deviation {sigma * math.sqrt(beta):.3g}; against deviation 1 it weighs "
            f"{beta * sigma * sigma:.3g}",  # a product too large is inf, a power an error
            path,
            hint="set one of the two; gaussian with scale: learned makes β a weight of its own",
        )


def frozen_scale(facts: SpecFacts) -> Iterator[Remark]:
    """VZ413: a fixed deviation, β counted in, that no good model's errors are near."""
    beta, sigma = facts.beta, facts.deviation
    if sigma is None or beta == 0:
        return
    effective = sigma * math.sqrt(1.0 if beta is None else beta)
    if NARROWEST <= effective <= WIDEST:
        return
    counted = "" if effective == sigma else f" (σ√β, of σ = {sigma:.3g})"
    amount = f"the likelihood's deviation is fixed at {effective:.3g}{counted}"
    if effective > WIDEST:
        said = f"{amount}, and no pixel in [0, 1] can vary by more than 0.5: KL weighs too much"
    else:
        said = f"{amount}, below any error that a model reaches: KL weighs next to nothing"
    yield Remark(
        "VZ413", said, ("model", "likelihood"), hint="take {use: gaussian, scale: learned}"
    )
