"""Observations follow from the figures."""

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
    """A run with these validation ELBOs after each epoch."""
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


def test_no_figures_give_no_observations():
    assert said() == ""


#: The KL of each latent, a sentence that must appear, and words that must not.
LATENTS = [
    ((2.0, 0.5), "Both latents are used; z1 carries the least, 0.50 nats of KL.", "unused"),
    ((2.0, 0.01, 3.0), "All 3 latents are used; z1 carries the least, 0.01 nats", "unused"),
    ((2.0, 0.009, 3.0), "1 of 3 latents is unused (z1): it carries less than 0.01 nats", "all but"),
    ((0.0, 2.0, 0.0, 3.0), "2 of 4 latents are unused (z0, z2): each carries", "all but"),
    ((0.0, 2.0, 0.0), "2 of 3 latents are unused (all but z1)", "collapsed"),
    ((0.0, 0.0), "The posterior has collapsed: none of 2 latents carries 0.01 nats", "unused"),
    ((0.0,) * 25 + (1.0,) * 25, "25 of 50 latents are unused: each carries", "z"),
    ((3.0,), "", "latent"),
]


@pytest.mark.parametrize(("nats", "sentence", "absent"), LATENTS)
def test_unused_latents_are_those_without_kl(nats, sentence, absent):
    text = said([figure("kl", sum(nats), per_dimension=nats)])
    assert sentence in text
    assert absent not in text


#: The KL of each latent, and the sentence on how uneven it is, if any.
SHARES = [
    ((9.0, 1.0, 1.0, 1.0), "The KL is uneven: 1 of 4 latents carry 75% of its 12.00 nats."),
    ((4.0, 4.0, 1.0, 1.0, 1.0, 1.0), "2 of 6 latents carry 67% of its 12.00 nats."),
    ((1.0, 1.0, 1.0, 1.0), ""),
    ((5.0, 1.0, 1.0), ""),  # too few latents
]


@pytest.mark.parametrize(("nats", "sentence"), SHARES)
def test_an_uneven_kl_is_reported(nats, sentence):
    text = said([figure("kl", sum(nats), per_dimension=nats)])
    assert sentence in text
    assert ("uneven" in text) == bool(sentence)


def noisy(epochs, noise, slope=0.0, seed=0, end=-100.0):
    """ELBOs that rise by ``slope`` nats per epoch to ``end``, plus noise."""
    drawn = np.random.default_rng(seed).normal(0, noise, epochs)
    return [end + slope * (epoch - epochs) + float(n) for epoch, n in enumerate(drawn)]


def test_training_has_converged_only_if_its_epochs_show_it():
    # 0.2 nats are 0.2% of 100: forty late epochs with a noise of 0.05 resolve them, ...
    text = said(records=history(noisy(200, 0.05)))
    assert "Training had converged: over the last 40 epochs" in text
    assert "by less than 0.20 (0.2% of it)" in text
    # ... with a noise of 1 they do not, and four epochs do not with any common noise
    for epochs, noise in ((200, 1.0), (20, 0.05)):
        text = said(records=history(noisy(epochs, noise)))
        assert "do not show whether training had converged" in text
        assert "Training had converged" not in text


@pytest.mark.parametrize(("slope", "word"), [(0.05, "still rose by 1.9"), (-0.05, "fell by 1.9")])
def test_a_clear_slope_is_reported(slope, word):
    text = said(records=history(noisy(200, 0.05, slope)))
    assert word in text
    assert "had converged" not in text


def test_a_negligible_rise_counts_as_level():
    text = said(records=history(noisy(200, 0.001, slope=0.001)))  # 0.04 nats in 40 epochs
    assert "had converged" in text
    assert "changed by +0.04 ± 0.00 nats" in text


@pytest.mark.parametrize("epochs", [20, 100])
def test_noise_is_rarely_taken_for_a_trend(epochs):
    """Also for four epochs, where three standard errors are not rare."""
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


def test_no_trend_is_reported_while_beta_changes():
    spec = small_spec(loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 20}})
    rising = history([-100.0 + epoch for epoch in range(20)])
    assert "still rose" not in said(records=rising, spec=spec)
    done = small_spec(loss={"use": "elbo", "beta": {"linear": [0, 1], "epochs": 5}})
    assert "still rose" in said(records=rising, spec=done)


def test_a_run_past_its_best_epoch_says_so():
    falling = [-100.0 + epoch for epoch in range(10)] + [-91.0 - 0.5 * n for n in range(1, 11)]
    text = said(records=history(falling))
    assert "best in epoch 10 of 20 and has lost 5.00 nats" in text
    assert "best in epoch" not in said(records=history(falling[:10]))


def test_overfitting_needs_a_gap_of_five_standard_errors():
    records = history([-100.0] * 8, train=[-97.0] * 8)
    text = said([figure("elbo", -100.0, 0.5)], records)
    assert "is 3.00 nats below the training ELBO" in text
    assert "more than 5 standard errors of the test ELBO (±0.50)" in text
    assert "started to overfit" in text
    text = said([figure("elbo", -100.0, 0.7)], records)
    assert "less than 5 standard errors" in text
    assert "no sign of overfitting" in text
    assert "overfit" not in said([figure("elbo", -100.0)], records)
    # a validation ELBO above the training ELBO is never a sign of it
    other = history([-90.0] * 8, train=[-97.0] * 8)
    assert "no sign" in said([figure("elbo", -90.0, 0.5)], other)


def test_observations_use_the_epoch_that_early_stopping_kept():
    """Epochs after the best one overfit; the kept weights do not."""
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
    assert "In epoch 8, which gave the weights, the validation ELBO is 0.50 nats below" in text
    assert "no sign of overfitting" in text
    assert "The weights are those of epoch 8, kept by early stopping. In the 8 epochs" in text
    assert "by −0.50 nats at best" in text
    text = said(test, history(held_out, train))
    assert "In epoch 16, which gave the weights" in text
    assert "started to overfit" in text


def test_overfitting_is_not_judged_with_redrawn_pixels():
    records = history([-100.0] * 8, train=[-50.0] * 8)
    assert "overfit" in said([figure("elbo", -100.0, 0.1)], records)
    assert "overfit" not in said([figure("elbo", -100.0, 0.1)], records, redrawn=True)


def test_data_or_protocol_tell_whether_pixels_were_redrawn():
    assert shipped("mnist_nvae5").facts.redrawn
    assert not shipped("mnist_mlp20").facts.redrawn
    without = replace(shipped("mnist_nvae5"), context=shipped("mnist_mlp20").context)
    assert without.facts.redrawn  # by the protocol of its figures


def test_a_weighted_objective_is_distinguished_from_the_elbo():
    assert "objective multiplies" not in said(records=history([-100.0] * 8))
    text = said(records=history([-100.0] * 8, weight=4.0))
    assert "With β = 4 in epoch 8" in text
    assert "15.00 nats above the −ELBO (115.00 against 100.00)" in text


def test_bounds_and_floors_are_reported_only_if_recorded():
    base = [figure("elbo", -100.0), figure("kl", 8.0), figure("reconstruction", 92.0)]
    text = said(base)
    assert text == ""  # the table shows these
    text = said([*base, figure("iw_bound", -97.5, samples=5000), figure("entropy_floor", 60.0)])
    assert (
        "with 5,000 draws is 2.50 nats above the ELBO, so the ELBO is at least that far below"
        in text
    )
    assert "due to" not in text
    assert "lost to" not in text
    assert "`amortisation_gap`".strip("`") in text
    assert "60.00 are the entropy of the gray levels" in text
    assert "32.00 come from the model" in text


def test_the_parts_of_the_kl_are_compared_with_their_maximum():
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


def test_the_inference_gap_is_split_into_its_parts():
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


def test_some_figures_are_only_in_the_table():
    named = ("ssim", "mse", "probe_accuracy", "knn_accuracy")
    assert said([figure(name, 0.8774) for name in named]) == ""


@pytest.mark.parametrize(("nearest", "separated"), [(0.97, True), (0.89, False), (0.5, False)])
def test_a_gap_between_classifiers_must_exceed_its_error(nearest, separated):
    text = said([figure("probe_accuracy", 0.88, 0.003), figure("knn_accuracy", nearest, 0.003)])
    assert bool(text) == separated
    if separated:
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
def test_samples_are_judged_by_precision_and_recall(precision, recall, verdict):
    text = said([figure("precision", precision), figure("recall", recall)])
    assert bool(text) == bool(verdict)
    assert verdict in text
    if verdict:
        assert f"{precision:.0%} of them are near test images, and {recall:.0%}" in text
    assert said([figure("precision", precision)]) == ""


def test_targets_and_severe_problems_are_reported():
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
    assert said(targets=[near]).endswith("is reproduced: this model has −100.00.")
    better = {**target, "figure": -90.0, "verdict": "better", "note": "The paper rounds."}
    assert said(targets=[better]).endswith("10.00 above. The paper rounds.")


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=40))
def test_the_line_is_a_least_squares_fit(values):
    slope, error = line_through(values)
    places = np.arange(len(values))
    (expected, offset) = np.polyfit(places, values, 1)
    assert slope == pytest.approx(expected, abs=1e-6)
    rest = np.sum((np.array(values) - expected * places - offset) ** 2)
    spread = np.sum((places - places.mean()) ** 2)
    assert error == pytest.approx(math.sqrt(rest / (len(values) - 2) / spread), abs=1e-5)


def test_a_history_with_nan_gives_no_trend():
    records = list(history([-100.0] * 10))
    broken = {**records[-1].train, "elbo": math.nan}
    records[-1] = replace(records[-1], train=broken, validation=broken)
    text = said(records=records)
    assert "nan" not in text
