"""Formulas of a spec's components."""

from types import SimpleNamespace

import pytest
import torch

from vaezoo import Definition, Likelihood, Loss, Prior
from vaezoo.components.likelihoods import MSE, Bernoulli, ContinuousBernoulli, Gaussian
from vaezoo.components.losses import ELBOLoss
from vaezoo.components.priors import StandardNormal
from vaezoo.registry.fields.tex import number
from vaezoo.reports.blocks import Code, Math, text_of
from vaezoo.reports.formulas import of_likelihood, of_loss, of_prior
from vaezoo.reports.tex_to_svg import set_formula


class Own(Likelihood, use="own"):
    """Laplace densities."""

    def formula(self, values, module=None):
        return Definition(
            rf"\log p_\theta(x\mid z) = -\sum_{{i=1}}^{{{values}}} |x_i - m_i|",
            "$m$ the decoder's output, {in braces} and `code`",
        )

    def build(self, image):
        raise NotImplementedError


class Silent(Likelihood, use="bernoulli"):
    """Something else. With more to say.

    Of which nothing is said.
    """

    def build(self, image):
        raise NotImplementedError


class Broken(Likelihood, use="broken"):
    """Fails when it is asked."""

    def formula(self, values, module=None):
        raise RuntimeError

    def build(self, image):
        raise NotImplementedError


class Unsettable(Broken, use="unsettable"):
    """Writes what is not TeX."""

    def formula(self, values, module=None):
        return Definition(r"\frac{1")


class Lumps(Prior, use="lumps"):
    """A mixture of lumps."""

    def build(self, space):
        raise NotImplementedError


class Weighed(Loss, use="weighed"):
    """Weighs the KL by gamma."""

    gamma: float = 3.0

    @property
    def kl_weight(self):
        return "gamma"

    def build(self):
        raise NotImplementedError


TERMS = {
    "bernoulli": of_likelihood(Bernoulli(), 784),
    "continuous": of_likelihood(ContinuousBernoulli(), 784),
    "gaussian": of_likelihood(Gaussian(), 784, SimpleNamespace(log_scale=torch.tensor(0.12).log())),
    "fixed": of_likelihood(Gaussian(scale=0.1, mean="linear"), 784),
    "mse": of_likelihood(MSE(), 784),
    "own": of_likelihood(Own(), 9),
    "broken": of_likelihood(Broken(), 9),
    "unsettable": of_likelihood(Unsettable(), 9),
    "silent": of_likelihood(Silent(), 9),
    "normal": of_prior(StandardNormal(), 12, closed=True, normal=True),
    "lumps": of_prior(Lumps(), 12, closed=False, normal=True),
    "closed lumps": of_prior(Lumps(), 12, closed=True, normal=True),
    "elbo": of_loss(ELBOLoss()),
    "beta": of_loss(ELBOLoss(beta=4)),
    "schedule": of_loss(ELBOLoss(beta={"linear": [0, 1], "epochs": 10})),
    "free bits": of_loss(ELBOLoss(beta=2, free_bits=0.5)),
    "weighed": of_loss(Weighed()),
}


@pytest.mark.parametrize("name", TERMS)
def test_every_formula_can_be_set(name):
    term = TERMS[name]
    for tex in [term.tex, *(part.tex for part in term.where if isinstance(part, Math))]:
        assert set_formula(tex).width > 0


def test_formulas_are_those_of_the_spec():
    assert len({term.tex for term in TERMS.values()}) == len(TERMS) - 4
    # the three likelihoods that give none have the general form,
    # β is one letter whether it is 4 or moves, and so is s, fixed or learned
    assert "784" in TERMS["bernoulli"].tex
    assert "12" in TERMS["normal"].tex
    assert r"\beta" not in TERMS["elbo"].tex
    assert r"\beta = 4" in text_of(TERMS["beta"].where)
    assert "linear schedule from 0 to 1 over 10 epochs" in text_of(TERMS["schedule"].where)
    assert r"\lambda = 0.5" in text_of(TERMS["free bits"].where)
    assert "0.12" in text_of(TERMS["gaussian"].where)
    assert "s = 0.1" in text_of(TERMS["fixed"].where)
    assert "sigmoid" not in text_of(TERMS["fixed"].where)


def test_a_plugin_speaks_for_itself_or_gets_the_general_form():
    assert TERMS["own"].tex == Own().formula(9).tex
    assert TERMS["own"].words == ()
    assert text_of(TERMS["own"].where) == "m the decoder's output, {in braces} and code"
    assert Code("code") in TERMS["own"].where
    for failing in ("broken", "unsettable"):
        assert TERMS[failing].tex == TERMS["silent"].tex
    assert text_of(TERMS["broken"].words) == "“Fails when it is asked”"
    # a namesake of a built-in component is not taken for it
    assert "pi" not in TERMS["silent"].tex
    assert "Something else. With more to say”" in text_of(TERMS["silent"].words)
    assert not TERMS["silent"].known
    assert "closed form" in text_of(TERMS["lumps"].where)
    assert r"\approx" in TERMS["lumps"].tex
    assert r"\approx" not in TERMS["closed lumps"].tex
    assert "gamma" in text_of(TERMS["weighed"].where)
    assert "w = 3" in text_of(TERMS["weighed"].where)


def test_the_formula_of_a_prior_is_only_for_normal_posteriors():
    other = of_prior(StandardNormal(), 12, closed=True, normal=False)
    assert other.tex == TERMS["closed lumps"].tex != TERMS["normal"].tex


@pytest.mark.parametrize(
    ("value", "tex"),
    [(4.0, "4"), (0.001, "0.001"), (1e-5, "10^{-5}"), (2.5e-7, r"2.5 \times 10^{-7}")],
)
def test_numbers_in_tex(value, tex):
    assert number(value) == tex
