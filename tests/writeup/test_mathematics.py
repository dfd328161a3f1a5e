"""Formulas as outlines."""

import xml.etree.ElementTree as ElementTree

import pytest

from vaezoo.writeup.mathematics import set_formula


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
