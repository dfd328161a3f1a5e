"""Observations follow the figures."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import small_spec
from vaezoo.registry import EpochRecord, Figure, TargetResult
from vaezoo.writeup.content import text_of
from vaezoo.writeup.facts import Facts
from vaezoo.writeup.observations import line_through, observe
from vaezoo.zoo import Metrics

SPEC = small_spec()


def figure(name, value, error=None, per_dimension=None, samples=10):
    return Figure(
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


def said(figures=(), records=(), spec=SPEC, targets=(), seen=False):
    metrics = Metrics(tuple(figures), tuple(targets), (), seen)
    return "\n".join(map(text_of, observe(Facts(spec, metrics, tuple(records)))))


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


@given(st.integers(10, 60), st.floats(-1, 1), st.integers(0, 2**32 - 1))
def test_late_improvement_is_told_from_noise(epochs, slope, seed):
    noise = np.random.default_rng(seed).normal(0, 0.05, epochs)
    elbos = [-100 + slope * epoch + float(n) for epoch, n in enumerate(noise)]
    text = said(records=history(elbos))
    late = elbos[-max(4, round(0.2 * epochs)) :]
    rise, error = line_through(late)
    brought = rise * (len(late) - 1)
    if rise > 3 * error:
        assert f"last {len(late)} epochs the validation ELBO still rose by {brought:.2f}" in text
    elif rise < -3 * error:
        assert f"fell by {-brought:.2f}" in text
    else:
        assert "levelled off" in text


def test_steady_runs_are_not_said_to_improve():
    assert "levelled off" in said(records=history([-100.0, -100.1] * 10))
    assert "still rose by" in said(records=history([-100.0 + epoch for epoch in range(20)]))


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


@given(st.floats(-20, 20), st.floats(0.1, 2))
def test_the_gap_between_training_and_validation_is_weighed_by_the_error(gap, error):
    elbos = [-100.0] * 8
    records = history(elbos, train=[-100.0 + gap] * 8)
    text = said([figure("elbo", -100.0, error)], records)
    side = "below" if -100.0 + gap > -100.0 else "above"
    assert f"{abs(-100.0 + gap + 100.0):.2f} nats {side} the training one" in text
    assert ("by heart" in text) == (-100.0 + gap + 100.0 > 5 * error)


def test_a_weighed_objective_is_told_from_the_elbo():
    assert "objective counts" not in said(records=history([-100.0] * 8))
    text = said(records=history([-100.0] * 8, weight=4.0))
    assert "With β = 4" in text
    assert "15.00 nats above the −ELBO (115.00 against 100.00)" in text


def test_bounds_floors_and_rates_are_told_only_where_they_are_recorded():
    base = [figure("elbo", -100.0), figure("kl", 8.0), figure("reconstruction", 92.0)]
    text = said(base)
    assert "8.00 nats (11.5 bits)" in text
    assert "8.0% of the −ELBO" in text
    assert "importance-weighted" not in text
    assert "entropy" not in text
    text = said([*base, figure("iw_bound", -97.5, samples=5000), figure("entropy_floor", 60.0)])
    assert "with 5,000 draws lies 2.50 nats above" in text
    assert "60.00 are the entropy of the grey levels" in text
    assert "32.00 are the model's own" in text


def test_the_parts_of_the_kl_are_told_from_their_ceiling():
    parts = [figure("mutual_information", 3.0), figure("marginal_kl", 5.0)]
    text = said(parts)  # of 1,000 images, whose logarithm is 6.91
    assert "3.00 nats tell one image from another (at most log 1,000 = 6.91)" in text
    assert "the other 5.00 are how far the codes" in text
    assert "depend on each other" not in text
    text = said([*parts, figure("total_correlation", 4.5)])
    assert "4.50 of them since the latents depend on each other" in text
    full = [figure("mutual_information", 6.9), parts[1]]
    assert "about as much as log 1,000 = 6.91 allows" in said(full)
    assert said(parts[:1]) == ""


def test_copies_are_told_by_what_is_recorded_of_them():
    assert said([figure("ssim", 0.8774)]) == (
        "Reconstructions have a structural similarity of 0.877 to their images, of 1 at most."
    )
    both = said([figure("ssim", 0.8774), figure("mse", 0.01)])
    assert "of 1 at most, and are off by 0.100 a pixel on [0, 1] (root" in both


@pytest.mark.parametrize(("nearest", "parted"), [(0.97, True), (0.89, False), (0.5, False)])
def test_classes_are_parted_only_where_the_errors_allow_it(nearest, parted):
    text = said([figure("probe_accuracy", 0.88, 0.003), figure("knn_accuracy", nearest, 0.003)])
    assert "finds the class of 88.0% of the test images, a vote of the nearest" in text
    assert f"training images that of {nearest:.1%}" in text
    assert ("flat boundaries" in text) == parted
    assert "flat boundaries" not in said([figure("knn_accuracy", nearest, 0.003)])


@pytest.mark.parametrize(
    ("precision", "recall", "verdict"),
    [
        (0.8, 0.4, "more like images than varied"),
        (0.4, 0.8, "more varied than like"),
        (0.6, 0.6, ""),
    ],
)
def test_samples_are_told_by_precision_and_recall(precision, recall, verdict):
    text = said([figure("precision", precision), figure("recall", recall)])
    assert f"{precision:.0%} of the samples lie among the test images" in text
    assert verdict in text
    assert ("more" in text) == bool(verdict)
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
