"""How a figure stands to a target: reproduced within the tolerance, better, worse, or apart."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

from vaezoo.registry.quantity import Better

#: ``apart`` lies beyond the tolerance, in a figure that has no better side.
Verdict = Literal["reproduced", "better", "worse", "apart"]


class TargetResult(TypedDict):
    """A target of the spec and the figure it was held against.

    ``note`` is the spec's explanation of the difference, empty where it gives none.
    """

    metric: str
    value: float
    tolerance: float
    source: str
    figure: float
    better: Better
    verdict: Verdict
    note: str


def verdict_of(figure: float, value: float, tolerance: float, better: Better) -> Verdict:
    """The verdict on a figure, all in its unit; one that is not finite is worse than any."""
    off = figure - value
    if abs(off) <= tolerance:
        return "reproduced"
    if not math.isfinite(figure):
        return "worse"
    if better == "neither":
        return "apart"
    return "better" if (off > 0) == (better == "higher") else "worse"


def in_words(target: TargetResult) -> str:
    """``reproduced``, ``not reproduced: better by 3.94``; the amount is in the figure's unit."""
    off = target["figure"] - target["value"]
    if target["verdict"] == "reproduced":
        return "reproduced"
    if not math.isfinite(target["figure"]):
        return "not reproduced: not finite"
    if target["verdict"] == "apart":
        return f"not reproduced: {abs(off):.2f} {'above' if off > 0 else 'below'}"
    return f"not reproduced: {target['verdict']} by {abs(off):.2f}"


def in_words_with_note(target: TargetResult) -> str:
    """The verdict and the spec's explanation: ``not reproduced: better by 3.94 – The source …``."""
    return f"{in_words(target)} – {target['note']}" if target["note"] else in_words(target)


def is_upheld(target: TargetResult) -> bool:
    """Whether a target stands: it is reproduced, or the spec explains why its figure is better."""
    explained = target["verdict"] == "better" and bool(target["note"])
    return target["verdict"] == "reproduced" or explained


def from_record(
    metric: str,
    value: float,
    tolerance: float,
    source: str,
    figure: float,
    better: Better | None = None,
    note: str = "",
    reached: bool | None = None,
    verdict: Verdict | None = None,
) -> TargetResult:
    """A result as it was recorded, its verdict drawn from the numbers.

    Records written before there were three verdicts say ``reached``, which was true of every
    better figure: it gives the direction where the figure lies beyond the tolerance.
    """
    if better is None:
        on_the_good_side = (figure > value) == bool(reached)
        better = "higher" if on_the_good_side else "lower"
        if abs(figure - value) <= tolerance:
            better = "neither"
    return TargetResult(
        metric=metric,
        value=value,
        tolerance=tolerance,
        source=source,
        figure=figure,
        better=better,
        verdict=verdict_of(figure, value, tolerance, better),
        note=note,
    )
