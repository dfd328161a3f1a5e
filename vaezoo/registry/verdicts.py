"""Compare a figure with a target: reproduced within the tolerance, better, worse or apart."""

from __future__ import annotations

import math
from typing import Literal, TypedDict

from vaezoo.registry.quantity import Better

#: ``apart``: beyond the tolerance, for a figure without a better side.
Verdict = Literal["reproduced", "better", "worse", "apart"]


class TargetResult(TypedDict):
    """A target of the spec and its figure.

    ``note`` is the spec's explanation of the difference, or empty.
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
    """The verdict on a figure; a figure that is not finite is worse."""
    difference = figure - value
    if abs(difference) <= tolerance:
        return "reproduced"
    if not math.isfinite(figure):
        return "worse"
    if better == "neither":
        return "apart"
    return "better" if (difference > 0) == (better == "higher") else "worse"


def in_words(target: TargetResult) -> str:
    """``reproduced`` or ``not reproduced: better by 3.94``, in the figure's unit."""
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
    """Whether a target is reproduced, or better with an explanation in the spec."""
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
    """A recorded result, with its verdict computed from the numbers.

    Old records have ``reached`` instead of a verdict. It was true for every better figure, so it
    gives the direction if the figure is beyond the tolerance.
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
