"""Two entries: what compares, and by how much they differ."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import small_spec
from tests.writeup.conftest import blocks, formulas, report_on, shipped
from tests.writeup.test_observations import figure
from vaezoo.spec.difference import compare
from vaezoo.writeup.comparison import gap, incomparable, observe_both
from vaezoo.writeup.content import Notice, Table, text_of
from vaezoo.zoo import Entry

errors = st.floats(0.001, 5)


@given(st.floats(-300, 300), errors, st.floats(-300, 300), errors)
def test_errors_add_up_as_those_of_independent_means(one, error, other, also):
    found = gap(figure("elbo", one, error), figure("elbo", other, also))
    assert found is not None
    assert found.value == other - one
    assert found.error == pytest.approx(math.sqrt(error**2 + also**2))
    assert found.is_clear == (abs(other - one) > 3 * found.error)


def test_a_figure_without_an_error_gives_a_difference_without_one():
    found = gap(figure("active_units", 10.0), figure("active_units", 7.0))
    assert found is not None
    assert (found.error, found.is_clear, str(found)) == (None, None, "−3")


@pytest.mark.parametrize(
    "other",
    [{"likelihood": "mse"}, {"binarisation": "dynamic"}, {"split": "train"}, {"examples": 9}],
)
def test_figures_of_another_protocol_have_no_difference(other):
    one = figure("elbo", -100.0, 1.0)
    assert gap(one, one) is not None
    assert gap(one, replace(one, **other)) is None
    assert gap(one, replace(one, value=math.nan)) is None


def test_entries_of_one_protocol_compare():
    one, other = shipped("fashion_beta1"), shipped("fashion_beta4")
    assert incomparable(one, other) == []
    document = report_on("fashion_beta1", "fashion_beta4")
    assert not document.notices
    assert len(set(formulas(document))) == 2
    (table,) = (
        block
        for block in blocks(document)
        if isinstance(block, Table) and text_of(block.head[-1]) == "difference"
    )
    rows = {text_of(row[0]): text_of(row[-1]) for row in table.rows}
    values = [s.facts.figure("elbo").value for s in (one, other)]
    assert rows["ELBO"].startswith(f"{values[1] - values[0]:+.2f} ± ".replace("-", "−"))
    told = "\n".join(map(text_of, observe_both(one, other)))
    assert f"fashion_beta1 has the higher test ELBO (β = 1), by {values[0] - values[1]:.2f}" in told
    assert "the weight of the KL is 1 in fashion_beta1, 4 in fashion_beta4" in told


def test_entries_of_two_datasets_do_not():
    one, other = shipped("fashion_mlp2"), shipped("mnist_mlp2")
    (reason,) = incomparable(one, other)
    assert text_of(reason) == "their datasets differ, fashion_mnist and mnist"
    assert observe_both(one, other) == []
    document = report_on("fashion_mlp2", "mnist_mlp2")
    (notice,) = (block for block in document.notices if isinstance(block, Notice))
    assert "must not be compared" in text_of(notice.line)
    table = next(
        block
        for block in blocks(document)
        if isinstance(block, Table) and text_of(block.head[-1]) == "difference"
    )
    assert {text_of(row[-1]) for row in table.rows} == {"–"}


def test_test_images_that_one_has_trained_on_are_a_reason():
    (reason,) = incomparable(shipped("mnist_mlp2"), shipped("mnist_keras2"))
    assert "training data of mnist_keras2" in text_of(reason)


def test_other_likelihoods_and_draws_are_reasons():
    one = shipped("mnist_mlp20")
    other = replace(one, entry=with_figures(one.entry, binarisation="static, drawn once"))
    (reason,) = incomparable(one, other)
    assert "binarisation" in text_of(reason)
    fewer = replace(one, entry=with_figures(one.entry, examples=100))
    (reason,) = incomparable(one, fewer)
    assert "10000 and 100" in text_of(reason)


def test_a_default_that_a_canonical_spec_leaves_out_is_told_too():
    (change,) = compare(small_spec(), small_spec(publish={"weights": "float16"})).changes
    assert (change.path, change.before, change.after) == ("publish.weights", "float32", "float16")


def with_figures(entry, **changes):
    """The entry, its figures obtained in another way."""
    other = Entry(entry.path, entry.name)
    figures = tuple(replace(f, **changes) for f in entry.metrics.figures)
    other.__dict__["metrics"] = replace(entry.metrics, figures=figures)
    return other
