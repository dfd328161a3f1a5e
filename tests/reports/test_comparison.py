"""Differences between two entries."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import registry_with, small_spec
from tests.reports.conftest import blocks, formulas, report_on, shipped
from tests.reports.test_observations import figure
from vaezoo.registry import Metric, Metrics, Quantity, Split
from vaezoo.reports.blocks import Notice, Table, text_of
from vaezoo.reports.compare import gap, incomparable, observe_both
from vaezoo.reports.paired_difference import Paired, pairs
from vaezoo.reports.two_entries import _errors_of_differences
from vaezoo.spec.difference import compare
from vaezoo.zoo import Entry


@pytest.mark.parametrize(
    ("one", "other", "difference", "error", "is_clear"),
    [
        ((-100.0, 0.3), (-98.4, 0.4), 1.6, 0.5, True),
        ((-98.4, 0.4), (-100.0, 0.3), -1.6, 0.5, True),
        ((-100.0, 0.3), (-98.6, 0.4), 1.4, 0.5, False),
        ((5.0, 0.0), (5.0, 0.0), 0.0, 0.0, False),
    ],
)
def test_errors_add_up_as_those_of_independent_means(one, other, difference, error, is_clear):
    found = gap(figure("elbo", *one), figure("elbo", *other))
    assert found.value == pytest.approx(difference)
    assert found.error == pytest.approx(error)
    assert found.is_clear == is_clear


def test_the_error_of_a_difference_is_the_spread_of_simulated_differences():
    draws = np.random.default_rng(0)
    spread = np.std(draws.normal(-100, 0.7, 100_000) - draws.normal(-98, 1.1, 100_000))
    found = gap(figure("elbo", -98.0, 1.1), figure("elbo", -100.0, 0.7))
    assert found.error == pytest.approx(spread, rel=0.01)


def test_a_figure_without_an_error_gives_a_difference_without_one():
    found = gap(figure("active_units", 10.0), figure("active_units", 7.0))
    assert found is not None
    assert (found.error, found.is_clear, str(found)) == (None, None, "−3")


def test_a_paired_error_replaces_that_of_independent_means():
    one, other = figure("elbo", -100.0, 1.0), figure("elbo", -99.0, 1.0)
    assert gap(one, other).is_clear is False
    found = gap(one, other, Paired(0.08, 2000))
    assert (found.error, found.is_clear, str(found)) == (0.08, True, "+1.000 ± 0.080")


def with_images(subject, count):
    """The subject with its first ``count`` test images."""
    split = Split(subject.context.split.images[:count], subject.context.split.labels[:count])
    return replace(subject, context=replace(subject.context, split=split))


@pytest.mark.slow
def test_paired_errors_come_from_differences_per_image():
    """Compare with the definition: the spread of ELBO differences per image."""
    one, other = (with_images(shipped(n), 300) for n in ("fashion_beta1", "fashion_beta4"))
    found = pairs(one, other)
    assert set(found) == {"test/elbo", "test/reconstruction", "test/kl"}
    differences = []
    for number in range(300):
        values = []
        for subject in (one, other):
            image = Split(subject.context.split.images[number : number + 1])
            context = replace(subject.context, split=image, seed=number)
            (elbo, *_) = subject.model.spec.metrics[0].compute(context)
            values.append(elbo.value)
        differences.append(values[1] - values[0])
    # the recorded figures are means over 10,000 images
    expected = np.std(differences, ddof=1) / math.sqrt(10_000)
    assert found["test/elbo"].error == pytest.approx(expected, rel=0.1)
    assert found["test/elbo"].images == 300


@pytest.mark.slow
def test_paired_errors_are_much_smaller():
    document = report_on("fashion_beta1", "fashion_beta4")
    (table,) = (
        block
        for block in blocks(document)
        if isinstance(block, Table) and text_of(block.head[-1]) == "difference"
    )
    rows = {text_of(row[0]): text_of(row[-1]) for row in table.rows}
    error = float(rows["ELBO"].partition("± ")[2])
    assert 0.06 < error < 0.1  # 1.08 as of independent means
    assert "Standard errors of paired differences, from 2,000 images: ELBO" in text_of(
        table.caption
    )
    assert "independent means" not in text_of(table.caption)


def test_figures_without_values_per_image_are_not_paired():
    caption = _errors_of_differences(
        [Metrics((figure("elbo", -1.0, 0.1), figure("marginal_kl", 1.0, 0.1)), (), ())],
        {"test/elbo": Paired(0.01, 50)},
    )
    assert "paired differences, from 50 images: ELBO." in caption
    assert "as of independent means" in caption
    assert caption.endswith("marginal KL.")


def test_different_images_are_not_paired():
    one, other = (with_images(shipped(n), 100) for n in ("fashion_beta1", "fashion_beta4"))
    assert pairs(one, replace(other, digest="0" * 64)) == {}
    assert pairs(replace(one, problem="the disk is gone"), other) == {}


def test_a_plugins_metric_is_paired_by_its_values_per_image():
    class Brightness(Metric, use="brightness"):
        """The mean brightness of reconstructions."""

        figures = (Quantity("brightness", "neither"),)

        def compute(self, context):
            raise AssertionError("the recorded figure is used")

        def per_image(self, context):
            if len(context.split) != 150:
                raise RuntimeError("the metric fails")
            return {
                "brightness": context.model.reconstruct(context.split.images).flatten(1).mean(1)
            }

    registry = registry_with(Brightness)
    recorded = figure("brightness", 0.3, 0.01, samples=0)
    one, other = (
        replace(with_images(shipped(n), 150), entry=holding(shipped(n).entry, recorded))
        for n in ("fashion_beta1", "fashion_beta4")
    )
    one, other = replace(one, registry=registry), replace(other, registry=registry)
    values = [s.model.reconstruct(s.context.split.images).flatten(1).mean(1) for s in (one, other)]
    (found,) = pairs(one, other).values()
    spread = (values[1] - values[0]).double().std().item()
    assert found.error == pytest.approx(spread / math.sqrt(recorded.examples), rel=1e-4)
    assert pairs(with_images(one, 100), with_images(other, 100)) == {}  # it fails: no error


@pytest.mark.parametrize(
    "other",
    [{"likelihood": "mse"}, {"binarisation": "dynamic"}, {"split": "train"}, {"examples": 9}],
)
def test_figures_of_another_protocol_have_no_difference(other):
    one = figure("elbo", -100.0, 1.0)
    assert gap(one, one) is not None
    assert gap(one, replace(one, **other)) is None
    assert gap(one, replace(one, value=math.nan)) is None


@pytest.mark.slow
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
    assert rows["ELBO"].startswith(f"{values[1] - values[0]:+.3f} ± ".replace("-", "−"))
    text = "\n".join(map(text_of, observe_both(one, other)))
    assert f"fashion_beta1 has the higher test ELBO (β = 1), by {values[0] - values[1]:.2f}" in text
    assert "the weight of the KL is 1 in fashion_beta1, 4 in fashion_beta4" in text


@pytest.mark.slow
def test_entries_of_two_datasets_do_not_compare():
    one, other = shipped("fashion_mlp2"), shipped("mnist_mlp2")
    (reason,) = incomparable(one, other)
    assert text_of(reason) == "their datasets differ, fashion_mnist and mnist"
    assert observe_both(one, other) == []
    document = report_on("fashion_mlp2", "mnist_mlp2")
    (notice,) = (block for block in document.notices if isinstance(block, Notice))
    assert "Do not compare" in text_of(notice.line)
    table = next(
        block
        for block in blocks(document)
        if isinstance(block, Table) and text_of(block.head[-1]) == "difference"
    )
    assert {text_of(row[-1]) for row in table.rows} == {"–"}


def test_training_on_test_images_prevents_comparison():
    (reason,) = incomparable(shipped("mnist_mlp2"), shipped("mnist_keras2"))
    assert "training data of mnist_keras2" in text_of(reason)


def test_other_binarization_and_counts_prevent_comparison():
    one = shipped("mnist_mlp20")
    other = replace(one, entry=with_figures(one.entry, binarisation="static, drawn once"))
    (reason,) = incomparable(one, other)
    assert "binarisation" in text_of(reason)
    fewer = replace(one, entry=with_figures(one.entry, examples=100))
    (reason,) = incomparable(one, fewer)
    assert "10000 and 100" in text_of(reason)


def test_changed_defaults_are_listed():
    (change,) = compare(small_spec(), small_spec(publish={"weights": "float16"})).changes
    assert (change.path, change.before, change.after) == ("publish.weights", "float32", "float16")


def holding(entry, *figures):
    """The entry with only these figures."""
    other = Entry(entry.path, entry.name)
    other.__dict__["metrics"] = replace(entry.metrics, figures=figures)
    return other


def with_figures(entry, **changes):
    """The entry with changed figures."""
    other = Entry(entry.path, entry.name)
    figures = tuple(replace(f, **changes) for f in entry.metrics.figures)
    other.__dict__["metrics"] = replace(entry.metrics, figures=figures)
    return other
