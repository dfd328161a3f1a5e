"""The ELBO derived from the variational objective, in the parts of one spec."""

from __future__ import annotations

import math

from vaezoo.components.losses import ELBOLoss
from vaezoo.components.priors import StandardNormal
from vaezoo.fields import Schedule
from vaezoo.writeup import formulas
from vaezoo.writeup.content import Block, Formula, Math, Paragraph, Prose, prose
from vaezoo.writeup.derivations import EVIDENCE, TWO_GAUSSIANS
from vaezoo.writeup.subject import Subject


def objective(subject: Subject) -> tuple[Block, ...]:
    """From log p(x) to what training minimised and what the figures estimate."""
    spec, shape = subject.model.spec, subject.model.image_shape
    likelihood, prior = spec.model.likelihood, spec.model.prior
    values = math.prod(shape)
    data = formulas.of_likelihood(likelihood, values, subject.learned_scale)
    latents = formulas.of_prior(prior, spec.model.latent, closed=subject.has_closed_kl)
    loss = formulas.of_loss(spec.loss)
    return (
        Paragraph(
            prose(
                r"An image $x$ of {values} values is explained by latents {latents} through "
                r"$p_\theta(x) = \int p_\theta(x\mid z)\,p(z)\,dz$. That integral is out of reach, "
                r"so the encoder gives an approximate posterior "
                r"$q_\phi(z\mid x) = \mathcal{N}(z;\,\mu_\phi(x),\,\mathrm{diag}\,"
                r"\sigma_\phi^2(x))$. For every such $q_\phi$:",
                values=values,
                latents=Math(rf"z \in \mathbb{{R}}^{{{spec.model.latent}}}"),
            )
        ),
        EVIDENCE,
        Paragraph(
            prose(
                r"The ELBO is short of $\log p_\theta(x)$ by "
                r"$\mathrm{KL}(q_\phi(z\mid x)\,\Vert\,p_\theta(z\mid x))$, so that a higher bound "
                r"means a better decoder, a better posterior, or both (Kingma and Welling 2014). "
                r"The likelihood `{use}`{words} is{where}",
                use=likelihood.use,
                words=_in_brackets(data.words),
                where=prose(", with {where},", where=data.where) if data.where else "",
            )
        ),
        Formula(data.tex, 2),
        *_caveat(subject),
        *_closed_form(subject),
        Paragraph(
            prose("The prior `{use}` is {where}:", use=prior.use, where=latents.where)
            if latents.known
            else prose(
                "For the prior `{use}`{words} the KL term is{where}:",
                use=prior.use,
                words=_in_brackets(latents.words),
                where=prose(", with {where}", where=latents.where) if latents.where else "",
            )
        ),
        Formula(latents.tex, 3),
        Paragraph(
            prose(
                r"Training minimised the mean over images of the loss `{use}`{words}, with {draws} "
                r"$z = \mu + \sigma \odot \varepsilon$, $\varepsilon \sim \mathcal{N}(0, I)$, for "
                r"each{where}:",
                use=spec.loss.use,
                words=_in_brackets(loss.words),
                draws="one draw" if loss.known else "draws",
                where=prose(", and {where}", where=loss.where) if loss.where else "",
            )
        ),
        Formula(loss.tex, 4),
        Paragraph(prose("{is_}{estimate}", is_=_meaning(subject), estimate=_estimate(subject))),
    )


def _closed_form(subject: Subject) -> tuple[Block, ...]:
    """How the KL of two Gaussians is had, where the prior is one."""
    if type(subject.model.spec.model.prior) is not StandardNormal:
        return ()
    return (
        Paragraph(
            prose(
                "Posterior and prior are products over latents, so that their KL is a sum over "
                "them. For each it is that of two normal densities:"
            )
        ),
        TWO_GAUSSIANS,
    )


def _in_brackets(words: Prose) -> Prose:
    return prose(" ({words})", words=words) if words else ()


def _caveat(subject: Subject) -> tuple[Block, ...]:
    """Where (2) is no log-probability, and (1) so no bound on log p(x)."""
    spec = subject.model.spec
    likelihood = spec.model.likelihood
    grey = str(subject.scene.binarization).startswith("none") and spec.dataset.binary is not True
    if likelihood.for_binary_images and grey:
        why = "The images are grey, not black and white: (2) is a cross-entropy here and no "
        why += "log-probability"
    elif likelihood.use == "mse":
        why = "Without its constant (2) is no log-probability"
    else:
        return ()
    return (
        Paragraph(
            prose(
                "{why}, so that what is called ELBO is no bound on {log}. It compares with figures "
                "obtained in the same way.",
                why=why,
                log=Math(r"\log p_\theta(x)"),
            )
        ),
    )


def _meaning(subject: Subject) -> Prose:
    """What (4) has to do with (1)."""
    loss = subject.model.spec.loss
    if type(loss) is not ELBOLoss:
        return prose("What `{use}` minimises need not be the negative ELBO of (1). ", use=loss.use)
    if loss.beta == 1 and loss.free_bits == 0:
        return prose("In expectation (4) is the negative ELBO. ")
    if _ends_at_one(loss.beta) and loss.free_bits == 0:
        return prose(r"Once $\beta$ has come to 1, (4) is the negative ELBO in expectation. ")
    if isinstance(loss.beta, Schedule) or loss.free_bits != 0:
        return prose(
            r"With $\beta = 1$ and no free bits (4) would be the negative ELBO in expectation. "
        )
    if loss.beta == 0:
        return prose("Nothing holds the posterior to the prior: (4) is the reconstruction alone. ")
    bound = "is still an upper bound on" if loss.beta > 1 else "is no upper bound on"
    side = "above" if loss.beta > 1 else "below"
    return prose(
        r"In expectation (4) is $-\mathrm{ELBO}(x) + (\beta - 1)\,\mathrm{KL}$, which lies {side} "
        r"the negative ELBO and {bound} $-\log p_\theta(x)$ (Higgins et al. 2017). ",
        side=side,
        bound=bound,
    )


def _ends_at_one(beta: float | Schedule) -> bool:
    """Whether a schedule's last value, at which it stays, is 1."""
    return isinstance(beta, Schedule) and beta.ends[1] == 1


def _estimate(subject: Subject) -> Prose:
    """How the ELBO among the figures was taken."""
    figure = subject.facts.figure("elbo")
    if figure is None:
        return prose("No ELBO is recorded with this model.")
    by_draws = "" if subject.has_closed_kl else ", the KL term by the same draws"
    return prose(
        "The figures weigh the KL once, whatever the objective does, and average over {draws} "
        "draws of $z$ an image{by_draws}.",
        draws=figure.samples,
        by_draws=by_draws,
    )
