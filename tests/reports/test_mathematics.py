"""Formulas as outlines."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest
import torch

from tests.reports.conftest import blocks, report_on
from vaezoo.reports.blocks import Derivation
from vaezoo.reports.derivations import TWO_GAUSSIANS
from vaezoo.reports.tex_to_svg import set_formula


def test_a_formula_is_one_path_that_names_its_tex():
    svg = set_formula(r"\frac{a}{b} < \beta").svg(' class="math"')
    element = ElementTree.fromstring(svg)
    assert element.get("aria-label") == r"\frac{a}{b} < \beta"
    (path,) = element
    assert path.get("d", "").startswith("M")
    assert set(path.get("d", "")) <= set("MLQCZ0123456789.- ")


def test_measures_are_those_of_the_type():
    letter, fraction = set_formula("x"), set_formula(r"\frac{x}{y}")
    assert 0.3 < letter.height < 0.7
    assert fraction.height > 1.5 * letter.height
    assert letter.depth < 0.1 < fraction.depth
    assert set_formula("xx").width > 1.7 * letter.width


def test_outlines_lie_within_the_box():
    setting = set_formula(r"\int p_\theta(x\mid z)\,dz")
    text = "".join(sign if sign in "0123456789.- " else " " for sign in setting.path)
    numbers = [float(part) for part in text.split()]
    assert min(numbers[0::2]) / 100 >= -0.01
    assert max(numbers[0::2]) / 100 <= setting.width + 0.01
    assert max(numbers[1::2]) / 100 <= setting.depth + 0.03
    assert -min(numbers[1::2]) / 100 <= setting.height - setting.depth + 0.03


def test_what_is_no_tex_is_an_error():
    with pytest.raises(ValueError, match="nonsense"):
        set_formula(r"\nonsense{x}")


@pytest.mark.slow
def test_the_elbo_is_derived_from_the_evidence_and_not_stated():
    (first, second) = (b for b in blocks(report_on("mnist_mlp2")) if isinstance(b, Derivation))
    steps = ["".join(step.tex) for step in first.steps]
    remainder = r"\mathrm{KL}\left(q_\phi(z\mid x)\,\Vert\,p_\theta(z\mid x)\right)"
    assert first.left == r"\log p_\theta(x)"
    assert steps[0].startswith("=")  # an identity up to the last step, which drops what is left
    assert [remainder in step for step in steps] == [False, False, True, True]
    assert [r"\geq" in step for step in steps] == [False, False, False, True]
    assert all(step.why for step in first.steps)
    assert second.left.startswith(r"\mathrm{KL}\left(\mathcal{N}(\mu, \sigma^2)")


@pytest.mark.parametrize("seed", range(5))
def test_every_step_to_the_kl_of_two_gaussians_has_the_same_value(seed):
    """The steps as they are printed, read as arithmetic, against torch's own divergence."""
    draw = torch.Generator().manual_seed(seed)
    mean, other = (torch.randn(2, generator=draw, dtype=torch.float64) * 2).tolist()
    spread, wide = (torch.rand(2, generator=draw, dtype=torch.float64) + 0.2).tolist()
    numbers = (torch.tensor(v, dtype=torch.float64) for v in (mean, spread, other, wide))
    first, deviation, second_mean, second_deviation = numbers
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(first, deviation),
        torch.distributions.Normal(second_mean, second_deviation),
    ).item()
    names = {"mu": mean, "m": other, "sigma": spread, "s": wide, "log": math.log}
    # E of the two squares, as the reason of the last step has it
    middle = r"\mathbb{E}\left[\frac{(z-m)^2}{s^2} - \frac{(z-\mu)^2}{\sigma^2}\right]"
    means = r"\left(\frac{\sigma^2 + (\mu-m)^2}{s^2} - 1\right)"
    _, second, third = ("".join(step.tex) for step in TWO_GAUSSIANS.steps)
    assert middle in second
    for tex in (second.replace(middle, means), third):
        assert arithmetic(tex.removeprefix("= "), names) == pytest.approx(expected, abs=1e-9)


def arithmetic(tex, names):
    """The value of a formula in fractions, brackets, sums, logarithms and squares."""
    text = tex.replace(r"\left", "").replace(r"\right", "").replace(r"\,", "*")
    while r"\frac" in text:
        text = re.sub(r"\\frac\{((?:[^{}])*)\}\{((?:[^{}])*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"\\(\w+)", r" \1 ", text).replace("^2", "**2")
    text = re.sub(r"\)\s*log", ")*log", text)
    text = re.sub(r"\)\s*\(", ")*(", text)
    return eval(text, {"__builtins__": {}}, names)
