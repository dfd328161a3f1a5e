"""Verdicts from numbers, records of both forms, and the words for them."""

from __future__ import annotations

import math

import pytest

from vaezoo.registry.verdicts import (
    from_record,
    in_words,
    in_words_with_note,
    is_upheld,
    verdict_of,
)


@pytest.mark.parametrize(
    ("figure", "better", "verdict"),
    [
        (26.0, "higher", "reproduced"),
        (24.0, "higher", "reproduced"),
        (10.0, "higher", "worse"),
        (40.0, "higher", "better"),
        (10.0, "lower", "better"),
        (40.0, "lower", "worse"),
        (10.0, "neither", "apart"),
        (40.0, "neither", "apart"),
        (math.nan, "higher", "worse"),
        (math.inf, "higher", "worse"),
        (-math.inf, "lower", "worse"),
    ],
)
def test_a_verdict_has_a_direction(figure, better, verdict):
    assert verdict_of(figure, 25.0, 1.0, better) == verdict


@pytest.mark.parametrize(
    ("figure", "reached", "verdict"),
    [
        (-110.0, True, "reproduced"),
        (-108.0, True, "better"),
        (-112.0, False, "worse"),
        (-108.0, False, "worse"),  # less is better
        (-112.0, True, "better"),
        (math.nan, False, "worse"),
    ],
)
def test_a_record_of_before_has_its_direction_from_whether_it_was_reached(figure, reached, verdict):
    result = from_record("test/iw_bound", -110.2, 0.5, "a paper", figure, reached=reached)
    assert result["verdict"] == verdict
    assert from_record(**result) == result


@pytest.mark.parametrize(
    ("figure", "better", "note", "words", "upheld"),
    [
        (-99.8, "higher", "", "reproduced", True),
        (-96.06, "higher", "", "not reproduced: better by 3.94", False),
        (-96.06, "higher", "It rounds.", "not reproduced: better by 3.94 – It rounds.", True),
        (-102.0, "higher", "It rounds.", "not reproduced: worse by 2.00 – It rounds.", False),
        (-102.0, "neither", "", "not reproduced: 2.00 below", False),
        (-98.0, "neither", "It rounds.", "not reproduced: 2.00 above – It rounds.", False),
        (math.nan, "higher", "", "not reproduced: not finite", False),
    ],
)
def test_a_better_figure_passes_with_an_explanation(figure, better, note, words, upheld):
    result = from_record("test/elbo", -100.0, 0.5, "a paper", figure, better, note)
    assert in_words_with_note(result) == words
    assert words.startswith(in_words(result))
    assert is_upheld(result) is upheld
