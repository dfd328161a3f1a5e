"""The geometry of the pages' plots, which templates draw as SVG.

Coordinates are in SVG units, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vaezoo.gallery.protocol_groups import ProtocolGroup, RankedEntry
from vaezoo.registry import EpochRecord

_RATE_DISTORTION, _CURVE, _BARS = (560, 360), (360, 220), (720, 150)
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 16, 14, 40
#: The most points of a curve and bars of a plot, and the width of the widest bar with its gap.
_MOST_POINTS, _MOST_BARS, _WIDEST_BAR = 300, 256, 48.0
#: The share of epochs at the start that the axes may cut off, and how many times larger the full
#: range must be before they do.
_WARM_UP, _MAX_RANGE_RATIO = 0.05, 2.0
#: How many times longer a nat may be on one axis of a rate–distortion plot, in ranges.
_MOST_STRETCHED = 4.0

Series = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Tick:
    """A tick at a coordinate."""

    at: float
    text: str


@dataclass(frozen=True)
class Frame:
    """A plot's size, the corners of its axes, and its ticks."""

    width: int
    height: int
    left: float
    top: float
    right: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Dot:
    """An entry in the rate–distortion plane, with its place in the ranking from 1."""

    x: float
    y: float
    place: int
    member: RankedEntry


@dataclass(frozen=True)
class EqualElbo:
    """A line of equal ELBO, with its value if there is room for it."""

    x1: float
    y1: float
    x2: float
    y2: float
    text: str


@dataclass(frozen=True)
class RateDistortionPlot:
    """The dots of a group, and lines of equal ELBO below them."""

    frame: Frame
    dots: tuple[Dot, ...]
    lines: tuple[EqualElbo, ...]


@dataclass(frozen=True)
class CurvePlot:
    """A term over the epochs: SVG paths for training and validation, empty without values."""

    title: str
    frame: Frame
    train: str
    validation: str


@dataclass(frozen=True)
class Bar:
    """A bar from ``y`` down to the axis, with its text."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True)
class BarPlot:
    """A value of each latent dimension; ``left_out`` small ones have no bar."""

    frame: Frame
    bars: tuple[Bar, ...]
    left_out: int


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self, count: int) -> tuple[Tick, ...]:
        return tuple(Tick(self.at(v), _number(v)) for v in round_values(self.low, self.high, count))


def rate_distortion(group: ProtocolGroup) -> RateDistortionPlot | None:
    """The plot of a group; None if fewer than two members have both terms."""
    placed = [
        (place, one, one.rate.value, one.distortion.value)
        for place, one in enumerate(group.members, 1)
        if one.rate and one.distortion
    ]
    if len(placed) < 2:
        return None
    rates, distortions = [rate for _, _, rate, _ in placed], [d for *_, d in placed]
    least = max(max(rates) - min(rates), max(distortions) - min(distortions)) / _MOST_STRETCHED
    x = _axis(rates, _LEFT, _RATE_DISTORTION[0] - _RIGHT, least)
    y = _axis(distortions, _RATE_DISTORTION[1] - _BOTTOM, _TOP, least)
    dots = [Dot(x.at(rate), y.at(d), place, one) for place, one, rate, d in placed]
    frame = _frame(_RATE_DISTORTION, x, y)
    return RateDistortionPlot(frame, tuple(reversed(dots)), _equal_elbo(x, y))


def training_curves(history: Sequence[EpochRecord]) -> tuple[CurvePlot, ...]:
    """The objective, if it is not the −ELBO, the −ELBO, reconstruction and KL over the epochs."""
    if not history:
        return ()
    terms = [("−ELBO", "elbo", -1.0), ("reconstruction", "reconstruction", 1.0), ("KL", "kl", 1.0)]
    means = [record.train for record in history]
    if any(not math.isclose(m["objective"], -m["elbo"], rel_tol=1e-5) for m in means):
        terms.insert(0, ("objective", "objective", 1.0))
    plots = [_curve(title, key, sign, history) for title, key, sign in terms]
    return tuple(plot for plot in plots if plot)


def bars(values: Sequence[float]) -> BarPlot | None:
    """Bars of finite values, the largest first."""
    finite = sorted(((v, i) for i, v in enumerate(values) if math.isfinite(v)), reverse=True)
    shown = finite[:_MOST_BARS]
    if not shown or shown[0][0] <= 0:
        return None
    width, height = _BARS
    y = _Axis(0.0, 1.05 * shown[0][0], height - _BOTTOM / 2, _TOP)
    step = min((width - _LEFT - _RIGHT) / len(shown), _WIDEST_BAR)
    drawn = [
        Bar(
            round(_LEFT + place * step + 0.1 * step, 2),
            y.at(max(value, 0.0)),
            round(0.8 * step, 2),
            round(y.start - y.at(max(value, 0.0)), 2),
            f"z{index}: {value:.3g}",
        )
        for place, (value, index) in enumerate(shown)
    ]
    frame = Frame(width, height, _LEFT, _TOP, width - _RIGHT, y.start, (), y.ticks(4))
    return BarPlot(frame, tuple(drawn), len(finite) - len(shown))


def round_values(low: float, high: float, count: int) -> list[float]:
    """About ``count`` round values between two numbers."""
    rough = (high - low) / max(count, 1)
    if not math.isfinite(rough) or rough <= 0:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= 0.999 * rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, min(last, first + 4 * count) + 1)]


def _curve(title: str, key: str, sign: float, history: Sequence[EpochRecord]) -> CurvePlot | None:
    train = [(r.epoch, sign * r.train[key]) for r in history]
    validation = [(r.epoch, sign * r.validation[key]) for r in history if r.validation]
    finite = [[p for p in line if math.isfinite(p[1])] for line in (train, validation)]
    values = _without_warm_up([[v for _, v in line] for line in finite])
    if not values:
        return None
    width, height = _CURVE
    epochs = [epoch for line in finite for epoch, _ in line]
    x = _Axis(min(epochs), max(max(epochs), min(epochs) + 1), _LEFT, width - _RIGHT)
    y = _axis(values, height - _BOTTOM, _TOP)
    return CurvePlot(title, _frame(_CURVE, x, y), *(_path(line, x, y) for line in finite))


def _path(points: Series, x: _Axis, y: _Axis) -> str:
    """An SVG path; a single point is a short line, long curves are thinned."""
    stride = max(1, math.ceil(len(points) / _MOST_POINTS))
    kept = [*points[:-1:stride], *points[-1:]]
    corners = [f"{x.at(epoch):g} {min(max(y.at(v), -99), 999):g}" for epoch, v in kept]
    if len(corners) == 1:
        corners *= 2
    return f"M{'L'.join(corners)}" if corners else ""


def _without_warm_up(lines: Sequence[Sequence[float]]) -> list[float]:
    """All values, without the first epochs if they would squash the rest."""
    every = [v for line in lines for v in line]
    later = [v for line in lines for v in line[max(1, math.ceil(_WARM_UP * len(line))) :]]
    if len(later) > 2 and max(every) - min(every) > _MAX_RANGE_RATIO * (max(later) - min(later)):
        return later
    return every


def _axis(values: Sequence[float], start: float, end: float, least: float = 0.0) -> _Axis:
    """An axis for all values, with some room, that spans ``least`` or more."""
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or max(0.05 * abs(high), 1e-6)
    room = max(room, (least - (high - low)) / 2)
    return _Axis(low - room, high + room, start, end)


def _frame(size: tuple[int, int], x: _Axis, y: _Axis) -> Frame:
    return Frame(*size, x.start, y.end, x.end, y.start, x.ticks(6), y.ticks(5))


def _equal_elbo(x: _Axis, y: _Axis) -> tuple[EqualElbo, ...]:
    """Lines of rate + distortion = −ELBO at round values, from the left or top edge."""
    lines = []
    for level in round_values(x.low + y.low, x.high + y.high, 6):
        first, last = max(x.low, level - y.high), min(x.high, level - y.low)
        if first < last:
            ends = (x.at(first), y.at(level - first), x.at(last), y.at(level - last))
            has_room = ends[0] < x.end - _LEFT and ends[1] < y.start - _TOP
            text = _number(-level) if has_room else ""
            lines.append(EqualElbo(*ends, text))
    return tuple(lines)


def _number(value: float) -> str:
    text = f"{value:.6g}"
    return "0" if text == "-0" else text.replace("-", "−")
