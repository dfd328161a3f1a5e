"""The derivation of the objective from log p(x), with the components of one spec."""

from __future__ import annotations

import math

from vaezoo.evaluation.describe_figures import caveat_of
from vaezoo.registry import LatentSpace
from vaezoo.reports import formulas
from vaezoo.reports.blocks import Block, Formula, Math, Paragraph, Prose, prose
from vaezoo.reports.component_text import as_prose_or_empty
from vaezoo.reports.derivations import EVIDENCE, TWO_GAUSSIANS
from vaezoo.reports.subject import Subject


def objective(subject: Subject) -> tuple[Block, ...]:
    """From log p(x) to the training objective and the reported estimates."""
    spec, shape = subject.model.spec, subject.model.image_shape
    likelihood, prior = spec.model.likelihood, spec.model.prior
    posterior = formulas.of_posterior(spec.model.posterior, spec.model.latent_size)
    values = math.prod(shape)
    data = formulas.of_likelihood(likelihood, values, subject.model.likelihood)
    latents = formulas.of_prior(
        prior,
        spec.model.latent_size,
        closed=subject.has_closed_kl,
        normal=spec.model.posterior.is_normal,
    )
    loss = formulas.of_loss(spec.loss)
    return (
        Paragraph(
            prose(
                r"The model of an image $x$ with {values} values and latents {latents} is "
                r"$p_\theta(x) = \int p_\theta(x\mid z)\,p(z)\,dz$. This integral is intractable, "
                r"so the encoder gives an approximate posterior {posterior}{words}. For each such "
                r"$q_\phi$:",
                values=values,
                latents=Math(_space_of(spec.model.posterior.space(spec.model.latent_shape))),
                posterior=Math(posterior.tex),
                words=_in_parentheses(posterior.words),
            )
        ),
        EVIDENCE,
        Paragraph(
            prose(
                r"The ELBO is below $\log p_\theta(x)$ by "
                r"$\mathrm{KL}(q_\phi(z\mid x)\,\Vert\,p_\theta(z\mid x))$, so a higher bound "
                r"means a better decoder, a better posterior, or both (Kingma and Welling 2014). "
                r"The likelihood `{use}`{words} is{where}",
                use=likelihood.use,
                words=_in_parentheses(data.words),
                where=prose(", with {where},", where=data.where) if data.where else "",
            )
        ),
        Formula(data.tex, 2),
        *_caveat(subject),
        *_closed_form(subject),
        Paragraph(
            prose("The prior `{use}` is {where}:", use=prior.use, where=latents.where)
            if latents.known and latents.where
            else prose(
                "For the prior `{use}`{words} the KL term is{where}:",
                use=prior.use,
                words=_in_parentheses(latents.words),
                where=prose(", with {where}", where=latents.where) if latents.where else "",
            )
        ),
        Formula(latents.tex, 3),
        Paragraph(
            prose(
                r"Training minimized the mean over images of the loss `{use}`{words}, with {draws} "
                "{how} for each{where}:",
                use=spec.loss.use,
                words=_in_parentheses(loss.words),
                draws=_draws(spec.loss.draws),
                how=prose("{how},", how=posterior.where) if posterior.where else "$z$",
                where=prose(", and {where}", where=loss.where) if loss.where else "",
            )
        ),
        Formula(loss.tex, 4),
        Paragraph(prose("{is_}{estimate}", is_=_meaning(subject), estimate=_estimate(subject))),
    )


def _closed_form(subject: Subject) -> tuple[Block, ...]:
    """The derivation of the closed-form KL, if the prior is Gaussian."""
    parts = subject.model.spec.model
    if not (subject.has_closed_kl and parts.prior.is_normal and parts.posterior.is_normal):
        return ()
    return (
        Paragraph(
            prose(
                "Posterior and prior factorize over latents, so their KL is a sum over latents. "
                "Each term is the KL of two normal densities:"
            )
        ),
        TWO_GAUSSIANS,
    )


def _in_parentheses(words: Prose) -> Prose:
    return prose(" ({words})", words=words) if words else ()


def _draws(count: int | None) -> str:
    if count is None:
        return "draws"
    return "one draw" if count == 1 else f"{count} draws"


def _caveat(subject: Subject) -> tuple[Block, ...]:
    """The likelihood's caveat, if (2) is not a log-probability and (1) not a bound on log p(x)."""
    caveat = as_prose_or_empty(lambda: _likelihood_caveat(subject))
    return (Paragraph(caveat),) if caveat else ()


def _likelihood_caveat(subject: Subject) -> str:
    return caveat_of(subject.model.spec, str(subject.context.binarization))


def _meaning(subject: Subject) -> Prose:
    """The relation of the objective (4) to the bound (1)."""
    loss = subject.model.spec.loss
    relation = as_prose_or_empty(lambda: loss.relation(is_bound=not _likelihood_caveat(subject)))
    if not relation:
        return prose(
            "The objective of `{use}` may differ from the negative ELBO of (1). ", use=loss.use
        )
    return prose("{relation} ", relation=relation)


def _estimate(subject: Subject) -> Prose:
    """How the recorded ELBO was estimated."""
    figure = subject.facts.of_role("elbo")
    if figure is None:
        return prose("No ELBO is recorded with this model.")
    by_draws = "" if subject.has_closed_kl else ", which also estimate the KL term"
    return prose(
        "The figures weight the KL by 1, independent of the objective, and average over {draws} "
        "draws of $z$ per image{by_draws}.",
        draws=figure.samples,
        by_draws=by_draws,
    )


def _space_of(space: LatentSpace) -> str:
    size = r" \times ".join(map(str, space.shape))
    if space.levels is None:
        return rf"z \in \mathbb{{R}}^{{{size}}}"
    return rf"z \in \{{1, \ldots, {space.levels}\}}^{{{size}}}"
