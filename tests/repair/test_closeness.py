"""A word is put right only where it can be one other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaezoo.spec.repair.similarity import edit_distance, only_key, only_name

KEYS = ("epochs", "batch_size", "optimizer", "validation", "seed", "lr", "beta", "n")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("epoch", "epochs"),
        ("epohcs", "epochs"),
        ("Epochs", "epochs"),
        ("batch-size", "batch_size"),
        ("batchsize", "batch_size"),
        ("batch size", "batch_size"),
        ("optimiser", "optimizer"),
        ("sede", "seed"),
        ("betta", "beta"),
        ("LR", "lr"),
    ],
)
def test_typos_of_a_key(written: str, meant: str) -> None:
    assert only_key(written, KEYS) == meant


@pytest.mark.parametrize(
    "written", ["", "learning_rate", "ir", "m", "pochs", "eps", "seed2", "data", "validate_it"]
)
def test_what_is_no_slip(written: str) -> None:
    assert only_key(written, KEYS) is None


@pytest.mark.parametrize("written", ["adamw", "adams_", "nadam", "sgdm", "conv2", "mlps_2", "selu"])
def test_another_name_is_no_slip(written: str) -> None:
    assert only_name(written, ["adam", "sgd", "conv", "mlp", "elu"]) is None


def test_a_plural_is_a_slip() -> None:
    assert only_name("sample", ["samples", "manifold"]) == "samples"
    assert only_name("manifolds", ["samples", "manifold"]) == "manifold"


def test_two_that_are_close_are_none() -> None:
    assert only_name("minst", ["mnist"]) == "mnist"
    assert only_key("lats", ["late", "last"]) is None


WORDS = st.text("abcd", max_size=6)


@given(WORDS, WORDS)
def test_edit_distance_is_a_distance(one: str, other: str) -> None:
    assert edit_distance(one, other) == edit_distance(other, one)
    assert (edit_distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= edit_distance(one, other) <= max(len(one), len(other))


@given(st.text("abcd", min_size=2, max_size=6), st.data())
def test_one_slip_counts_one(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    assert edit_distance(word, word[:at] + word[at + 1 :]) == 1
    assert edit_distance(word, word[:at] + "z" + word[at:]) == 1
    assert edit_distance(word, word[:at] + "z" + word[at + 1 :]) == 1
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert edit_distance(word, swapped) == (word != swapped)
