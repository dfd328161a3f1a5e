"""Formulas of a spec's likelihood, prior and objective.

A component gives its own ``formula``. Without one, the general form and the component's docstring
stand in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vaezoo.registry import Component, Definition, Likelihood, Loss, Posterior, Prior
from vaezoo.registry.fields.tex import DIVERGENCE, LOG_LIKELIHOOD, POSTERIOR, setting
from vaezoo.registry.module_contracts import LikelihoodModule
from vaezoo.reports.blocks import Code, Prose, marked, prose
from vaezoo.reports.component_text import defined


@dataclass(frozen=True)
class Term:
    """A formula and the meaning of its symbols, as a clause without a full stop.

    ``known`` tells whether the component gave the formula; otherwise ``words`` quote its docstring.
    """

    tex: str
    where: Prose
    known: bool = True
    words: Prose = ()


def of_likelihood(
    likelihood: Likelihood, values: int, module: LikelihoodModule | None = None
) -> Term:
    """log p(x|z) over the ``values`` of an image; ``module`` is the trained one."""
    return _own(lambda: likelihood.formula(values, module)) or _in_general(
        likelihood,
        rf"{LOG_LIKELIHOOD} = \log p\left(x \mid f_\theta(z)\right)",
        prose(r"$f_\theta(z)$ the decoder's output"),
    )


def of_posterior(posterior: Posterior, latent: int) -> Term:
    """q(z|x), and how z is drawn."""
    return _own(lambda: posterior.formula(latent)) or _in_general(posterior, POSTERIOR, ())


def of_prior(prior: Prior, latent: int, *, closed: bool, normal: bool) -> Term:
    """The KL to the prior.

    ``closed`` tells whether the model has a closed form, ``normal`` whether its posterior is a
    product of normal densities, to which the formulas of priors refer.
    """
    by_sample = rf"{DIVERGENCE} \approx \log {POSTERIOR} - \log p(z)"
    how = prose(r"$z \sim q_\phi(z\mid x)$: without a closed form, estimated by draws")
    if closed:
        by_sample = (
            rf"{DIVERGENCE} = \mathbb{{E}}_{{{POSTERIOR}}}"
            rf"\left[\log {POSTERIOR} - \log p(z)\right]"
        )
        how = prose("the expectation in closed form")
    own = _own(lambda: prior.formula(latent)) if normal else None
    return own or _in_general(prior, by_sample, how)


def of_loss(loss: Loss) -> Term:
    """The objective of one image."""
    own = _own(loss.formula)
    if own:
        return own
    named = loss.kl_weight
    weighed = rf"w\,{DIVERGENCE}" if named else DIVERGENCE
    where = prose("an objective of these two terms")
    if named:
        where = prose(
            "{where}, with {weight}, called {name} in the spec",
            where=where,
            name=Code(named),
            weight=marked(setting("w", loss.weights.get(named))),
        )
    return _in_general(
        loss, rf"\mathcal{{L}}(x) = \mathcal{{L}}\left(-{LOG_LIKELIHOOD},\; {weighed}\right)", where
    )


def _own(formula: Callable[[], Definition | None]) -> Term | None:
    found = defined(formula)
    return Term(*found) if found else None


def _in_general(component: Component, tex: str, where: Prose) -> Term:
    """The general form and the first paragraph of the component's docstring."""
    text = " ".join((type(component).__doc__ or "").split("\n\n")[0].split()).rstrip(".")
    words = prose("“{text}”", text=text) if text else ()
    return Term(tex, where, known=False, words=words)
