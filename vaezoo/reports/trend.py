"""The trend of a series: a least-squares line and the uncertainty of its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

#: The probability that a standard normal variable lies within three standard deviations.
_WITHIN_THREE = math.erf(3 / math.sqrt(2))


@dataclass(frozen=True)
class Trend:
    """The change of a straight line from the first to the last of ``count`` values.

    ``error`` is one standard error of ``change``.
    """

    count: int
    change: float
    error: float

    @property
    def margin(self) -> float:
        """Half the width of the 99.73 % confidence interval of the change."""
        return student(self.count - 2) * self.error

    @property
    def most(self) -> float:
        """The largest absolute change within the confidence interval."""
        return abs(self.change) + self.margin


def trend(values: Sequence[float]) -> Trend:
    """The line through three or more values; NaN if one is not finite."""
    slope, error = line_through(values)
    steps = len(values) - 1
    return Trend(len(values), slope * steps, error * steps)


def line_through(values: Sequence[float]) -> tuple[float, float]:
    """The slope of a least-squares line through equally spaced values, and its standard error.

    Needs three or more values; NaN if one is not finite.
    """
    count = len(values)
    middle, mean = (count - 1) / 2, fmean(values)
    spread = sum((i - middle) ** 2 for i in range(count))
    slope = sum((i - middle) * (v - mean) for i, v in enumerate(values)) / spread
    rest = sum((v - mean - slope * (i - middle)) ** 2 for i, v in enumerate(values))
    return slope, math.sqrt(rest / (count - 2) / spread)


@cache
def student(freedom: int) -> float:
    """Student's t at a coverage of 99.73 %, for ``freedom`` degrees of freedom.

    19.2 for 2 degrees of freedom, 3 in the limit.
    """
    low, high = 3.0, 300.0
    while high - low > 1e-9 * low:
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < _WITHIN_THREE else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """P(−t < T < t) for Student's T (Abramowitz and Stegun 26.7.3-4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for power in range(1 if odd else 0, freedom - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
