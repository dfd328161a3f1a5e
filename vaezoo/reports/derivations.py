"""Derivations for all models: the ELBO identity, and the KL of two Gaussians."""

from __future__ import annotations

from vaezoo.reports.blocks import Derivation, DerivationStep, prose

_Q = r"q_\phi(z\mid x)"
_E = rf"\mathbb{{E}}_{{{_Q}}}"
_POSTERIOR = r"p_\theta(z\mid x)"

#: log p(x) = ELBO + KL(q || p(z|x)), for each q with the support of p(z|x).
EVIDENCE = Derivation(
    r"\log p_\theta(x)",
    (
        DerivationStep(
            (
                rf"= {_E}\left[\log p_\theta(x)\right]",
                rf"= {_E}\left[\log \frac{{p_\theta(x\mid z)\,p(z)}}{{{_POSTERIOR}}}\right]",
            ),
            prose("it does not depend on $z$; Bayes' rule"),
        ),
        DerivationStep(
            (
                rf"= {_E}\left[\log \frac{{p_\theta(x\mid z)\,p(z)}}{{{_Q}}}\right]",
                rf"+\; {_E}\left[\log \frac{{{_Q}}}{{{_POSTERIOR}}}\right]",
            ),
            prose(r"multiplied and divided by $q_\phi$"),
        ),
        DerivationStep(
            (
                rf"= {_E}\left[\log p_\theta(x\mid z)\right] - "
                rf"\mathrm{{KL}}\left({_Q}\,\Vert\,p(z)\right)",
                rf"+\; \mathrm{{KL}}\left({_Q}\,\Vert\,{_POSTERIOR}\right)",
            ),
            prose("definition of the KL"),
        ),
        DerivationStep(
            (
                rf"= \mathrm{{ELBO}}(x) + \mathrm{{KL}}\left({_Q}\,\Vert\,{_POSTERIOR}\right)",
                r"\geq\; \mathrm{ELBO}(x)",
            ),
            prose("a KL is never negative"),
        ),
    ),
    1,
)

#: KL(N(μ, σ²) || N(m, s²)) in closed form
TWO_GAUSSIANS = Derivation(
    r"\mathrm{KL}\left(\mathcal{N}(\mu, \sigma^2)\,\Vert\,\mathcal{N}(m, s^2)\right)",
    (
        DerivationStep(
            (
                r"= \mathbb{E}\left[\log \mathcal{N}(z;\,\mu, \sigma^2)"
                r" - \log \mathcal{N}(z;\,m, s^2)\right]",
            ),
            prose(r"with $z \sim \mathcal{N}(\mu, \sigma^2)$"),
        ),
        DerivationStep(
            (
                r"= \frac{1}{2}\log\frac{s^2}{\sigma^2}"
                r" + \frac{1}{2}\,\mathbb{E}\left[\frac{(z-m)^2}{s^2}"
                r" - \frac{(z-\mu)^2}{\sigma^2}\right]",
            ),
            prose(r"$\frac{1}{2}\log 2\pi$ cancels"),
        ),
        DerivationStep(
            (
                r"= \frac{1}{2}\left(\frac{\sigma^2 + (\mu-m)^2}{s^2} - 1"
                r" - \log\frac{\sigma^2}{s^2}\right)",
            ),
            prose(r"$\mathbb{E}(z-\mu)^2 = \sigma^2$, $\mathbb{E}(z-m)^2 = \sigma^2 + (\mu-m)^2$"),
        ),
    ),
)
