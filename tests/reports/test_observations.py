"""Observations follow the figures."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import small_spec
from tests.reports.conftest import shipped
from vaezoo.registry import EpochRecord, Figure, Metrics, TargetResult, discover
from vaezoo.reports.blocks import text_of
from vaezoo.reports.entry_facts import EntryFacts
from vaezoo.reports.observations import observe
from vaezoo.reports.trend import line_through, student
from vaezoo.spec.declared_figures import described_by

SPEC = small_spec()
READERS: Any = tuple(
    row.component() for row in discover().components("metric") if row.plugin.name == "vaezoo"
)


def figure(name, value, error=None, per_dimension=None, samples=10):
    plain = Figure(
        name,
        value,
        "nats per example",
        "test",
        "bernoulli",
        "none",
        samples,
        1000,
        standard_error=error,
        per_dimension=per_dimension,
    )
    return replace(plain, about=described_by(READERS, name))


def history(elbos, train=None, weight=1.0):
    """A run whose validation ELBO was this after each epoch."""
    records = []
    for epoch, (held_out, seen) in enumerate(zip(elbos, train or elbos, strict=True), 1):
        terms = {"objective": -seen + 5 * (weight - 1), "reconstruction": -seen - 5, "kl": 5.0}
        records.append(
            EpochRecord(
                epoch,
                {**terms, "elbo": seen},
                {**terms, "elbo": held_out},
                {"beta": weight},
                0.001,
                1.0,
                1000.0,
            )
        )
    return tuple(records)


def said(figures=(), records=(), spec=SPEC, targets=(), seen=False, redrawn=False):
    metrics = Metrics(tuple(figures), tuple(targets), (), seen)
    facts = EntryFacts(spec, metrics, tuple(records), redrawn, READERS)
    return "\n".join(map(text_of, observe(facts)))


def test_nothing_is_said_of_nothing():
    assert said() == ""


@given(st.lists(st.floats(0, 5), min_size=2, max_size=30))
def test_unused_latents_are_those_without_kl(nats):
    text = said([figure("kl", sum(nats), per_dimension=tuple(nats))])
    unused = [index for index, value in enumerate(nats) if value < 0.01]
    if len(unused) == len(nats):
        assert "collapsed" in text
    elif unused:
        assert f"{len(unused)} of {len(nats)} latents" in text
        used = [index for index in range(len(nats)) if index not in unused]
        fewer = unused if len(unused) <= len(used) else used
        assert ("all but " in text) == (fewer is used)
        assert ", ".join(f"z{index}" for index in fewer) in text
    else:
        everyone = "Both" if len(nats) == 2 else f"All {len(nats)}"
        assert f"{everyone} latents are used" in text
        assert f"z{nats.index(min(nats))}, has {min(nats):.2f}" in text


def noisy(epochs, noise, slope=0.0, seed=0, end=-100.0):
    """ELBOs that end at ``end`` with ``slope`` nats an epoch, and noise of that spread."""
    drawn = np.random.default_rng(seed).normal(0, noise, epochs)
    return [end + slope * (epoch - epochs) + float(n) for epoch, n in enumerate(drawn)]


def test_training_has_levelled_off_only_where_its_epochs_can_show_it():
    # 0.2 nats are 0.2% of 100: forty late epochs with a noise of 0.05 resolve them, ...
    text = said(records=history(noisy(200, 0.05)))
    assert "levelled off: over the last 40 epochs" in text
    assert "by less than 0.20 (0.2% of it)" in text
    # ... with a noise of 1 they do not, and four epochs do not with any common noise
    for epochs, noise in ((200, 1.0), (20, 0.05)):
        text = said(records=history(noisy(epochs, noise)))
        assert "do not tell whether training had levelled off" in text
        assert "Training had levelled off" not in text


@pytest.mark.parametrize(("slope", "word"), [(0.05, "still rose by 1.9"), (-0.05, "fell by 1.9")])
def test_a_clear_slope_is_told(slope, word):
    text = said(records=history(noisy(200, 0.05, slope)))
    assert word in text
    assert "levelled off" not in text


def test_a_rise_that_does_not_matter_is_level():
    text = said(records=history(noisy(200, 0.001, slope=0.001)))  # 0.04 nats in 40 epochs
    assert "had levelled off" in text
    assert "changed by +0.04 ± 0.00 nats" in text


@pytest.mark.parametrize("epochs", [20, 100])
def test_noise_is_seldom_taken_for_a_rise_or_a_fall(epochs):
    """Also where four epochs alone tell of it: three standard errors there are no rare event."""
    wrong = [
        seed
        for seed in range(400)
        if " rose by" in (text := said(records=history(noisy(epochs, 1.0, seed=seed))))
        or " fell by" in text
    ]
    assert len(wrong) <= 6  # one is expected


def test_few_epochs_need_as_many_standard_errors_as_students_variable_has():
    # coverage factors for 99.73 %: Guide to the expression of uncertainty in measurement, table G.2
    known = {1: 235.80, 2: 19.21, 3: 9.22, 4: 6.62, 5: 5.51, 8: 4.28, 10: 3.96, 20: 3.42, 50: 3.16}
    assert {n: round(student(n), 2) for n in known} == known


def test_nothing_is_said_of_the_end_while_beta_moves():
    spec = small_spec(loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 20}})
    rising = history([-100.0 + epoch for epoch in range(20)])
    assert "still rose" not in said(records=rising, spec=spec)
    done = small_spec(loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 5}})
    assert "still rose" in said(records=rising, spec=done)


def test_a_run_past_its_best_says_where_that_was():
    falling = [-100.0 + epoch for epoch in range(10)] + [-91.0 - 0.5 * n for n in range(1, 11)]
    text = said(records=history(falling))
    assert "best in epoch 10 of 20 and has lost 5.00 nats" in text
    assert "best in epoch" not in said(records=history(falling[:10]))


def test_what_was_learnt_by_heart_is_told_by_five_errors_of_the_test_elbo():
    records = history([-100.0] * 8, train=[-97.0] * 8)
    text = said([figure("elbo", -100.0, 0.5)], records)
    assert "lies 3.00 nats below the training one" in text
    assert "more than 5 standard errors of the test ELBO (±0.50)" in text
    assert "begun to learn its training images by heart" in text
    text = said([figure("elbo", -100.0, 0.7)], records)
    assert "less than 5 standard errors" in text
    assert "does not show that training images were learnt by heart" in text
    assert "by heart" not in said([figure("elbo", -100.0)], records)
    # a validation ELBO above the training one is no sign of it, however far
    other = history([-90.0] * 8, train=[-97.0] * 8)
    assert "does not show" in said([figure("elbo", -90.0, 0.5)], other)


def test_the_epoch_that_early_stopping_kept_is_the_one_that_is_looked_at():
    """Training on after the best epoch learns by heart; the weights that were kept have not."""
    held_out = [-100.0 + n for n in range(8)] + [-92.5 - n for n in range(1, 9)]
    train = [-99.5 + n for n in range(16)]
    test = [figure("elbo", -93.0, 0.5)]
    stopped = small_spec(
        train={
            "epochs": 16,
            "batch_size": 16,
            "validation": 0.25,
            "early_stopping": {"patience": 8},
        }
    )
    text = said(test, history(held_out, train), spec=stopped)
    assert "In epoch 8, whose weights these are, the validation ELBO lies 0.50 nats below" in text
    assert "does not show that training images were learnt by heart" in text
    assert "The weights are those of epoch 8, which early stopping kept; in the 8 epochs" in text
    assert "at best −0.50 nats" in text
    text = said(test, history(held_out, train))
    assert "In epoch 16, whose weights these are" in text
    assert "begun to learn" in text


def test_nothing_is_said_of_learning_by_heart_where_pixels_are_drawn_anew():
    records = history([-100.0] * 8, train=[-50.0] * 8)
    assert "by heart" in said([figure("elbo", -100.0, 0.1)], records)
    assert "by heart" not in said([figure("elbo", -100.0, 0.1)], records, redrawn=True)


def test_shipped_entries_say_by_their_data_whether_pixels_were_drawn_anew():
    assert shipped("mnist_nvae5").facts.redrawn
    assert not shipped("mnist_mlp20").facts.redrawn
    without = replace(shipped("mnist_nvae5"), context=shipped("mnist_mlp20").context)
    assert without.facts.redrawn  # by the protocol of its figures


def test_a_weighed_objective_is_told_from_the_elbo():
    assert "objective counts" not in said(records=history([-100.0] * 8))
    text = said(records=history([-100.0] * 8, weight=4.0))
    assert "With β = 4 in epoch 8" in text
    assert "15.00 nats above the −ELBO (115.00 against 100.00)" in text


def test_bounds_floors_and_rates_are_told_only_where_they_are_recorded():
    base = [figure("elbo", -100.0), figure("kl", 8.0), figure("reconstruction", 92.0)]
    text = said(base)
    assert text == ""  # what the table says is not said again
    text = said([*base, figure("iw_bound", -97.5, samples=5000), figure("entropy_floor", 60.0)])
    assert "with 5,000 draws lies 2.50 nats above the ELBO: at least so much lies between" in text
    assert "due to" not in text
    assert "lost to" not in text
    assert "`amortisation_gap`".strip("`") in text
    assert "60.00 are the entropy of the grey levels" in text
    assert "32.00 are the model's own" in text


def test_the_parts_of_the_kl_are_told_from_their_ceiling():
    parts = [figure("mutual_information", 3.0), figure("marginal_kl", 5.0)]
    text = said(parts)  # of 1,000 images, whose logarithm is 6.91
    assert "3.00 nats distinguish images (at most log 1,000 = 6.91)" in text
    assert "the other 5.00 are the mismatch between the codes" in text
    assert "depend on each other" not in text
    text = said([*parts, figure("total_correlation", 4.5)])
    assert "4.50 of them because the latents depend on each other" in text
    full = [figure("mutual_information", 6.9), parts[1]]
    assert "about as much as log 1,000 = 6.91 allows" in said(full)
    assert said(parts[:1]) == ""


def test_the_inference_gap_is_told_in_its_parts():
    parts = [
        replace(figure("amortisation_gap", 6.3, 0.7, samples=500), examples=200),
        replace(figure("remaining_gap", 0.4, 0.03, samples=500), examples=200),
    ]
    bounds = [figure("elbo", -113.3), figure("iw_bound", -108.7, samples=500)]
    text = said([*bounds, *parts])
    assert "On 200 of the test images a diagonal Gaussian fitted to each image gains" in text
    assert "6.30 ± 0.70 nats over the encoder's" in text
    assert "with 500 draws from it is 0.40 ± 0.03 nats above its ELBO" in text
    assert "is 6.70 nats below that bound; fitting gains 94% of them" in text
    assert "is not measured" not in text
    assert "is not measured" in said(bounds)
    assert said(parts[:1]) == ""


def test_copies_and_accuracies_stand_in_the_table_alone():
    named = ("ssim", "mse", "probe_accuracy", "knn_accuracy")
    assert said([figure(name, 0.8774) for name in named]) == ""


@pytest.mark.parametrize(("nearest", "parted"), [(0.97, True), (0.89, False), (0.5, False)])
def test_classes_are_parted_only_where_the_errors_allow_it(nearest, parted):
    text = said([figure("probe_accuracy", 0.88, 0.003), figure("knn_accuracy", nearest, 0.003)])
    assert bool(text) == parted
    if parted:
        assert "not linearly separable: a linear classifier is right for 88.0%" in text
        assert "among the training images for 97.0%" in text


@pytest.mark.parametrize(
    ("precision", "recall", "verdict"),
    [
        (0.8, 0.4, "more like images than varied"),
        (0.4, 0.8, "more varied than like images"),
        (0.6, 0.6, ""),
    ],
)
def test_samples_are_told_by_precision_and_recall(precision, recall, verdict):
    text = said([figure("precision", precision), figure("recall", recall)])
    assert bool(text) == bool(verdict)
    assert verdict in text
    if verdict:
        assert f"{precision:.0%} of them are near test images, and {recall:.0%}" in text
    assert said([figure("precision", precision)]) == ""


def test_what_must_not_be_missed():
    assert "trained on" in said(seen=True)
    assert "not finite" in said([figure("elbo", math.nan)])
    target = TargetResult(
        metric="test/elbo",
        value=-100.0,
        tolerance=1.0,
        source="a paper",
        figure=-103.5,
        better="higher",
        verdict="worse",
        note="",
    )
    text = said(targets=[target])
    assert "is not reproduced: worse by 3.50" in text
    assert "−103.50, 3.50 below" in text
    near = {**target, "figure": -100.002, "verdict": "reproduced"}
    assert said(targets=[near]).endswith("is reproduced: here it is −100.00.")
    told = {**target, "figure": -90.0, "verdict": "better", "note": "The paper rounds."}
    assert said(targets=[told]).endswith("10.00 above. The paper rounds.")


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=40))
def test_a_line_is_that_of_least_squares(values):
    slope, error = line_through(values)
    places = np.arange(len(values))
    (expected, offset) = np.polyfit(places, values, 1)
    assert slope == pytest.approx(expected, abs=1e-6)
    rest = np.sum((np.array(values) - expected * places - offset) ** 2)
    spread = np.sum((places - places.mean()) ** 2)
    assert error == pytest.approx(math.sqrt(rest / (len(values) - 2) / spread), abs=1e-5)


def test_a_history_with_nan_is_no_ground():
    records = list(history([-100.0] * 10))
    broken = {**records[-1].train, "elbo": math.nan}
    records[-1] = replace(records[-1], train=broken, validation=broken)
    text = said(records=records)
    assert "nan" not in text
