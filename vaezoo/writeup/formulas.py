r"""What a spec's likelihood, prior and objective are in formulas.

The built-in components are known here by their classes. A component of a plugin speaks for
itself where it has a ``formula``, a property or ``ClassVar[str]`` that holds TeX in the symbols
of the report, such as ``\log p_\theta(x\mid z) = …``; of any other the general form is given,
and its own words.
"""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.components.likelihoods import MSE, Bernoulli, ContinuousBernoulli, Gaussian
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.priors import StandardNormal
from vaezoo.fields import Schedule
from vaezoo.fields.schedule import SHAPES
from vaezoo.registry import Component, Likelihood, Loss, Prior
from vaezoo.writeup.content import Code, Math, Prose, prose

POSTERIOR = r"q_\phi(z\mid x)"
LOG_LIKELIHOOD = r"\log p_\theta(x\mid z)"
_DIVERGENCE = rf"\mathrm{{KL}}\left({POSTERIOR}\,\Vert\,p(z)\right)"
#: from the decoder's output to a mean, by the name in a spec
_MEANS = {"sigmoid": r"\mathrm{sigmoid}(f_\theta(z))", "linear": r"f_\theta(z)"}


@dataclass(frozen=True)
class Term:
    """A formula, and what its symbols are: a clause without a full stop.

    ``known`` is false for a component of a plugin, whose own formula or the general form it is;
    ``words`` are what such a component says of itself.
    """

    tex: str
    where: Prose
    known: bool = True
    words: Prose = ()


def number(value: float) -> str:
    """A parameter in TeX: ``0.001`` as it stands, ``1e-05`` as a power of ten."""
    text = f"{value:g}"
    if "e" not in text:
        return text
    mantissa, _, exponent = text.partition("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return rf"{factor}10^{{{int(exponent)}}}"


def of_likelihood(likelihood: Likelihood, values: int, learned_scale: float | None = None) -> Term:
    """log p(x|z) over the ``values`` of an image; ``learned_scale`` as training left it."""
    total = rf"\sum_{{i=1}}^{{{values}}}"
    if type(likelihood) is Bernoulli:
        return Term(
            rf"{LOG_LIKELIHOOD} = {total} \left[\, x_i\,\log \pi_i"
            r" + (1 - x_i)\,\log(1 - \pi_i) \,\right]",
            prose(r"$\pi = \mathrm{sigmoid}(f_\theta(z))$ the chance of white for each value"),
        )
    if type(likelihood) is ContinuousBernoulli:
        return Term(
            rf"{LOG_LIKELIHOOD} = {total} \left[\, x_i\,\log \lambda_i + (1 - x_i)\,"
            r"\log(1 - \lambda_i) + \log \frac{2\,\mathrm{artanh}(1 - 2\lambda_i)}"
            r"{1 - 2\lambda_i} \,\right]",
            prose(
                r"$\lambda = \mathrm{sigmoid}(f_\theta(z))$; the last term makes it a density "
                r"on [0, 1], and is $\log 2$ at $\lambda_i = 1/2$"
            ),
        )
    if type(likelihood) is Gaussian:
        return Term(
            rf"{LOG_LIKELIHOOD} = -{total} \left[\, \frac{{(x_i - m_i)^2}}{{2 s^2}}"
            r" + \log s + \frac{1}{2}\log 2\pi \,\right]",
            prose(
                "{mean}, and {scale}",
                mean=Math(rf"m = {_MEANS[likelihood.mean]}"),
                scale=_scale(likelihood, learned_scale),
            ),
        )
    if type(likelihood) is MSE:
        return Term(
            rf"{LOG_LIKELIHOOD} = -{total} (x_i - m_i)^2 \;+\; \mathrm{{constant}}",
            prose(
                r"{mean}: the normal density of variance $1/2$, whose constant, "
                r"$-\frac{1}{2}\log\pi$ a value, is left out",
                mean=Math(rf"m = {_MEANS[likelihood.mean]}"),
            ),
        )
    return _in_general(
        likelihood,
        rf"{LOG_LIKELIHOOD} = \log p\left(x \mid f_\theta(z)\right)",
        prose(r"$f_\theta(z)$ the decoder's output"),
    )


def _scale(likelihood: Gaussian, learned: float | None) -> Prose:
    if likelihood.deviation is not None:
        return prose("{scale} by the spec", scale=Math(f"s = {number(likelihood.deviation)}"))
    if learned is None:
        return prose("one scale $s$ for all values, learned")
    return prose(
        "one scale for all values, which training took to {s}", s=Math(f"s = {learned:.4g}")
    )


def of_prior(prior: Prior, latent: int, *, closed: bool) -> Term:
    """The KL divergence to the prior; ``closed`` says whether the model has it in closed form."""
    if type(prior) is StandardNormal:
        return Term(
            rf"{_DIVERGENCE} = \frac{{1}}{{2}}\sum_{{j=1}}^{{{latent}}}"
            r"\left(\mu_j^2 + \sigma_j^2 - 1 - \log\sigma_j^2\right)",
            prose(r"$p(z) = \mathcal{N}(z;\, 0, I)$, for which the KL term has a closed form"),
        )
    by_sample = rf"{_DIVERGENCE} \approx \log q_\phi(z\mid x) - \log p(z)"
    how = prose(r"$z \sim q_\phi(z\mid x)$: no closed form, so that it is estimated by its draws")
    if closed:
        by_sample = (
            rf"{_DIVERGENCE} = \mathbb{{E}}_{{q_\phi(z\mid x)}}"
            r"\left[\log q_\phi(z\mid x) - \log p(z)\right]"
        )
        how = prose("the expectation computed in closed form by the prior itself")
    return _in_general(prior, by_sample, how)


def of_loss(loss: Loss) -> Term:
    """The objective of one image."""
    if type(loss) is ELBOLoss:
        return _of_elbo(loss)
    named = loss.kl_weight
    weighed = rf"w\,{_DIVERGENCE}" if named else _DIVERGENCE
    where = prose("an objective made of these two terms")
    if named:
        where = prose(
            "{where}, with {weight}, which the spec calls {name}",
            where=where,
            name=Code(named),
            weight=_number_or_schedule(loss.weights.get(named), "w"),
        )
    return _in_general(
        loss, rf"\mathcal{{L}}(x) = \mathcal{{L}}\left(-{LOG_LIKELIHOOD},\; {weighed}\right)", where
    )


def _of_elbo(loss: ELBOLoss) -> Term:
    factor, penalty = "", _DIVERGENCE
    clauses: list[Prose] = []
    if loss.beta != 1:
        factor = r"\beta\,"
        clauses.append(_number_or_schedule(loss.beta, r"\beta"))
    if loss.free_bits != 0:
        penalty = r"\sum_j \max\left(\lambda,\; \overline{\mathrm{KL}}_j\right)"
        clauses.append(
            prose(
                r"$\overline{\mathrm{KL}}_j$ a dimension's KL averaged over the batch, {bits}",
                bits=_number_or_schedule(loss.free_bits, r"\lambda"),
            )
        )
    where = clauses[0] if clauses else ()
    for clause in clauses[1:]:
        where = prose("{where}, {clause}", where=where, clause=clause)
    return Term(rf"\mathcal{{L}}(x) = -{LOG_LIKELIHOOD} \;+\; {factor}{penalty}", where)


def _number_or_schedule(value: float | Schedule | None, symbol: str) -> Prose:
    """``β = 4``, or how it moves."""
    if not isinstance(value, Schedule):
        return prose("{it}", it=Math(symbol if value is None else f"{symbol} = {number(value)}"))
    first, last = value.ends
    shape = next(name for name in SHAPES if getattr(value, name) is not None)
    delay = f" after {value.delay:g} at the first value" if value.delay else ""
    cycles = f" in {value.cycles} cycles" if value.cycles > 1 else ""
    return prose(
        "{symbol} on a {shape} schedule from {first} to {last} over {epochs} epochs{delay}{cycles}",
        symbol=Math(symbol),
        shape=shape,
        first=f"{first:g}",
        last=f"{last:g}",
        epochs=f"{value.epochs:g}",
        delay=delay,
        cycles=cycles,
    )


def _in_general(component: Component, tex: str, where: Prose) -> Term:
    """The component's own formula or the general one, and its own first paragraph."""
    own = getattr(component, "formula", None)
    text = " ".join((type(component).__doc__ or "").split("\n\n")[0].split()).rstrip(".")
    words = prose("in its own words “{text}”", text=text) if text else ()
    if isinstance(own, str) and own:
        return Term(own, (), known=False, words=words)
    return Term(tex, where, known=False, words=words)
