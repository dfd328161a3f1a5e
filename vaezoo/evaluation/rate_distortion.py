"""Entries in the plane of rate and distortion: what a latent code costs, and what it is worth.

Rate is the KL of the posterior from the prior, distortion the reconstruction term, both in nats
per example; their sum is the negative ELBO (Alemi et al. 2018, arXiv:1711.00464).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaezoo.registry import Figure, Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from vaezoo.spec.spec import Spec

_SIZE, _DPI = (5.6, 4.3), 160
#: More labels than this would hide the points.
_NAMED = 24
#: From light to dark, where members have a value in common that is a number.
_SCALE = ("#9ecae1", "#08306b")
_FAINT = "#d8dce1"
_SMALL = 6.0
#: Points of type between a group and its label, and how often around it a place is looked for.
_DISTANCES, _DIRECTIONS = (6.0, 12.0, 20.0, 30.0), 12


@dataclass(frozen=True)
class Point:
    """An entry's test figures, how they were ``taken``, and what its matrix varied."""

    name: str
    rate: float
    distortion: float
    values: Mapping[str, Any]
    taken: str = ""

    @property
    def told_apart_by(self) -> Mapping[str, Any]:
        """Its values; of the seed only where nothing else is varied."""
        return {k: v for k, v in self.values.items() if k != "train.seed"} or self.values

    @property
    def label(self) -> str:
        """What it is told apart by, in few words."""
        shown = self.told_apart_by
        return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in shown.items())


@dataclass(frozen=True)
class Group:
    """Points that differ in their seeds alone."""

    label: str
    points: tuple[Point, ...]

    @property
    def centre(self) -> tuple[float, float]:
        """Their mean rate and mean distortion."""
        count = len(self.points)
        rate = sum(point.rate for point in self.points) / count
        return rate, sum(point.distortion for point in self.points) / count

    @property
    def number(self) -> float | None:
        """The value that they have in common, where it is one, and a number."""
        values = list(self.points[0].told_apart_by.items())
        key, value = values[0]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if len(values) == 1 and is_number and key != "train.seed" else None


def points_of(trained: Iterable[tuple[Spec, Mapping[str, Any], Metrics]]) -> list[Point]:
    """Each trained spec, by what its matrix varied and its figures; none where likelihoods,
    datasets or protocols differ, which cannot be compared."""
    found, ways = [], set()
    for spec, values, metrics in trained:
        rate, distortion = metrics.of_role("kl"), metrics.of_role("reconstruction")
        if rate and distortion:
            taken = f"{spec.dataset.use}: {_taken(distortion)}"
            found.append(Point(spec.name, rate.value, distortion.value, values, taken))
            ways.add((taken, str(spec.dataset.to_spec())))
    return found if len(ways) == 1 else []


def groups_of(points: Sequence[Point]) -> list[Group]:
    """The points by what tells them apart, those with a number in its order."""
    by_label: dict[str, list[Point]] = {}
    for point in points:
        by_label.setdefault(point.label, []).append(point)
    groups = [Group(label, tuple(several)) for label, several in by_label.items()]
    numbers = [group.number for group in groups if group.number is not None]
    if len(numbers) < len(groups):
        return groups
    return [group for _, group in sorted(zip(numbers, groups, strict=True), key=lambda two: two[0])]


def draw_tradeoff(points: Sequence[Point], title: str) -> bytes:
    """The points in their plane, as a PNG; lines of equal ELBO run through it.

    A line joins the means over seeds where one number is varied, in the order of that number.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure as Canvas

    from vaezoo.plotting.png import png
    from vaezoo.plotting.style import INK, MUTED, drawable, plot_style

    groups = groups_of(points)
    is_scale = len(groups) > 1 and all(group.number is not None for group in groups)
    scale = LinearSegmentedColormap.from_list("scale", _SCALE)
    with plot_style():
        figure = Canvas(figsize=_SIZE, dpi=_DPI, layout="constrained")
        axes = figure.subplots()
        if is_scale:
            axes.plot(*zip(*(g.centre for g in groups), strict=True), color=_FAINT, lw=1.2)
        for place, group in enumerate(groups):
            color = scale(place / (len(groups) - 1)) if is_scale else INK
            rates, distortions = zip(*((p.rate, p.distortion) for p in group.points), strict=True)
            axes.scatter(rates, distortions, s=17, color=color, zorder=3)
        axes.margins(0.14)
        axes.ticklabel_format(useOffset=False)  # members that differ in seeds lie close together
        axes.set_title(drawable(title), pad=17.0, parse_math=False)
        axes.annotate(
            drawable(points[0].taken),
            (0, 1),
            (0, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            color=MUTED,
            size=_SMALL,
            parse_math=False,
        )
        axes.set_xlabel("rate: KL to the prior, nats per example")
        axes.set_ylabel("distortion: reconstruction term, nats per example")
        _draw_lines_of_equal_elbo(axes, MUTED)
        figure.draw_without_rendering()  # from here on it is known what lies where
        figure.set_layout_engine("none")
        if len(groups) <= _NAMED:
            _Labels(axes, points).write(groups)
    return png(figure)


def _taken(figure: Figure) -> str:
    """How a figure was taken, in a line."""
    how = figure.binarisation.partition(",")[0]
    pixels = "not binarised" if how == "none" else f"{how} binarisation"
    samples = f"{figure.samples} sample{'s'[: figure.samples != 1]} each"
    return (
        f"{figure.examples:,} {figure.split} images, {samples}, "
        f"{figure.likelihood} likelihood, {pixels}"
    )


def _draw_lines_of_equal_elbo(axes: Axes, color: str) -> None:
    """Where rate and distortion add up to the same, with that ELBO in the margin: the shorter
    the sum, the better."""
    from matplotlib.ticker import MaxNLocator

    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    for total in MaxNLocator(7).tick_values(left + low, right + high):
        axes.plot([left, right], [total - left, total - right], color=_FAINT, lw=0.6, zorder=0)
        if low <= total - right <= high:
            text = f"ELBO {-total:g}".replace("-", "−")
            axes.annotate(
                text,
                (right, total - right),
                (3, 0),
                textcoords="offset points",
                va="center",
                color=color,
                size=_SMALL,
            )
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


class _Labels:
    """Labels beside points, where they hide neither points nor each other."""

    def __init__(self, axes: Axes, points: Sequence[Point]) -> None:
        from matplotlib.transforms import Bbox

        self._axes = axes
        self._inside = axes.get_window_extent()
        radius = 4.0 * _DPI / 72
        centres = axes.transData.transform([(point.rate, point.distortion) for point in points])
        self.taken = [
            Bbox.from_bounds(x - radius, y - radius, 2 * radius, 2 * radius) for x, y in centres
        ]

    def write(self, groups: Sequence[Group]) -> None:
        """Each label at the nearest free place; none where there is no such place."""
        for group in groups:
            # beside the point that is nearest to the mean
            rate, distortion = group.centre
            point = min(
                group.points, key=lambda p: abs(p.rate - rate) + abs(p.distortion - distortion)
            )
            for label in self._tries(group.label, (point.rate, point.distortion)):
                extent = label.get_window_extent().padded(2.0)
                if self._is_free(extent):
                    self.taken.append(extent)
                    break
                label.remove()

    def _tries(self, text: str, where: tuple[float, float]) -> Iterator[Annotation]:
        from math import cos, pi, sin

        from vaezoo.plotting.style import MUTED, label

        for distance in _DISTANCES:
            for turn in range(_DIRECTIONS):
                angle = pi / 6 + 2 * pi * turn / _DIRECTIONS
                right, up = cos(angle), sin(angle)
                yield self._axes.annotate(
                    label(text),
                    where,
                    (distance * right, distance * up),
                    textcoords="offset points",
                    ha="left" if right > 0.3 else "right" if right < -0.3 else "center",
                    va="bottom" if up > 0.3 else "top" if up < -0.3 else "center",
                    color=MUTED,
                    size=_SMALL,
                    parse_math=False,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
                    arrowprops={"arrowstyle": "-", "lw": 0.4, "color": MUTED, "shrinkB": 3}
                    if distance > _DISTANCES[1]
                    else None,
                )

    def _is_free(self, extent: Bbox) -> bool:
        corners = (extent.min, extent.max)
        return all(self._inside.contains(*corner) for corner in corners) and not any(
            extent.overlaps(other) for other in self.taken
        )
