"""Entries in the plane of rate and distortion: what a latent code costs, and what it is worth.

Rate is the KL of the posterior from the prior, distortion the reconstruction term, both in nats
per example; their sum is the negative ELBO (Alemi et al. 2018, arXiv:1711.00464).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vaezoo.members import Outcome

_SIZE, _DPI = (5.2, 4.2), 150
#: More labels than this would hide the points.
_NAMED = 24


@dataclass(frozen=True)
class Point:
    """An entry's test figures, and what its matrix varied."""

    name: str
    rate: float
    distortion: float
    values: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Its values; of the seed only where nothing else is varied."""
        shown = {k: v for k, v in self.values.items() if k != "train.seed"} or self.values
        return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in shown.items())


def points_of(outcomes: Sequence[Outcome]) -> list[Point]:
    """The members that can be compared: none where likelihoods, datasets or protocols differ."""
    found, ways = [], set()
    for one in outcomes:
        if one.entry is None:
            continue
        rate = one.entry.metrics.figure("test/kl")
        distortion = one.entry.metrics.figure("test/reconstruction")
        if rate and distortion:
            found.append(Point(one.spec.name, rate.value, distortion.value, one.values))
            dataset = str(one.spec.dataset.to_spec())
            ways.add((distortion.likelihood, distortion.binarisation, distortion.samples, dataset))
    return found if len(ways) == 1 else []


def draw_tradeoff(points: Sequence[Point], title: str) -> bytes:
    """The points in their plane, as a PNG; lines of equal ELBO run through it."""
    from matplotlib.figure import Figure

    from vaezoo.data.figures import png
    from vaezoo.palette import INK, MUTED, house_rules

    with house_rules():
        figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
        axes = figure.subplots()
        axes.scatter([p.rate for p in points], [p.distortion for p in points], s=18, color=INK)
        # seeds of one setting lie close together and share a label
        rightmost = {p.label: p for p in sorted(points, key=lambda p: p.rate)}
        for label, point in rightmost.items() if len(rightmost) <= _NAMED else ():
            where = (point.rate, point.distortion)
            axes.annotate(label, where, (5, 5), textcoords="offset points", color=MUTED, size=6)
        axes.margins(0.18)
        axes.set_title(title)
        axes.set_xlabel("rate: KL to the prior, nats per example")
        axes.set_ylabel("distortion: reconstruction term, nats per example")
        _lines_of_equal_elbo(axes, MUTED)
    return png(figure)


def _lines_of_equal_elbo(axes: Axes, color: str) -> None:
    """Where rate and distortion add up to the same: the shorter the sum, the better."""
    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    for part in range(1, 6):
        total = left + low + part / 6 * (right + high - left - low)
        axes.plot([left, right], [total - left, total - right], color=color, lw=0.4, zorder=0)
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
