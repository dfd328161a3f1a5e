"""Plot entries in the rate–distortion plane.

Rate is the KL of the posterior from the prior, distortion the reconstruction term, both in nats
per example. Their sum is the negative ELBO (Alemi et al. 2018, arXiv:1711.00464).
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

#: Inches, and dots per inch.
_SIZE, _DPI = (5.6, 4.3), 160
#: More labels would hide the points.
_MAX_LABELS = 24
#: Colors from the lowest to the highest value, for groups that differ in one number.
_SCALE = ("#9ecae1", "#08306b")
_LINE_COLOR = "#d8dce1"
_FONT_SIZE = 6.0
_POINT_RADIUS = 4.0  # points of type, with a margin
#: Positions of a label relative to its point, in points of type, and its alignments.
_OFFSETS = (
    (6, 0, "left", "center"),
    (-6, 0, "right", "center"),
    (0, 5, "center", "bottom"),
    (0, -5, "center", "top"),
)


@dataclass(frozen=True)
class Point:
    """The test figures of an entry, their ``protocol``, and the ``values`` its matrix varied."""

    name: str
    rate: float
    distortion: float
    values: Mapping[str, Any]
    protocol: str = ""

    @property
    def distinct_values(self) -> Mapping[str, Any]:
        """The values without the seed, unless the seed is the only one."""
        return {k: v for k, v in self.values.items() if k != "train.seed"} or self.values

    @property
    def label(self) -> str:
        """The distinct values in short, such as ``beta 4``."""
        shown = self.distinct_values
        return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in shown.items())


@dataclass(frozen=True)
class Group:
    """Points that differ only in their seeds."""

    label: str
    points: tuple[Point, ...]

    @property
    def center(self) -> tuple[float, float]:
        """Their mean rate and mean distortion."""
        count = len(self.points)
        rate = sum(point.rate for point in self.points) / count
        return rate, sum(point.distortion for point in self.points) / count

    @property
    def number(self) -> float | None:
        """Their value, if the matrix varied a single number other than the seed."""
        values = list(self.points[0].distinct_values.items())
        key, value = values[0]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value if len(values) == 1 and is_number and key != "train.seed" else None


def points_of(trained: Iterable[tuple[Spec, Mapping[str, Any], Metrics]]) -> list[Point]:
    """The points of trained specs, each given with its varied values and its figures.

    Empty if datasets, likelihoods or protocols differ: such figures do not compare.
    """
    points, protocols = [], set()
    for spec, values, metrics in trained:
        rate, distortion = metrics.of_role("kl"), metrics.of_role("reconstruction")
        if rate and distortion:
            protocol = f"{spec.dataset.use}: {_protocol(distortion)}"
            points.append(Point(spec.name, rate.value, distortion.value, values, protocol))
            protocols.add((protocol, str(spec.dataset.to_spec())))
    return points if len(protocols) == 1 else []


def groups_of(points: Sequence[Point]) -> list[Group]:
    """The points by label; groups with numbers are sorted by number."""
    by_label: dict[str, list[Point]] = {}
    for point in points:
        by_label.setdefault(point.label, []).append(point)
    groups = [Group(label, tuple(several)) for label, several in by_label.items()]
    numbers = [group.number for group in groups if group.number is not None]
    if len(numbers) < len(groups):
        return groups
    return [group for _, group in sorted(zip(numbers, groups, strict=True), key=lambda two: two[0])]


def draw_tradeoff(points: Sequence[Point], title: str) -> bytes:
    """The rate–distortion plot as a PNG, with lines of equal ELBO.

    If the groups differ in one number, a line joins their means in the order of that number.
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
            axes.plot(*zip(*(g.center for g in groups), strict=True), color=_LINE_COLOR, lw=1.2)
        for index, group in enumerate(groups):
            color = scale(index / (len(groups) - 1)) if is_scale else INK
            rates, distortions = zip(*((p.rate, p.distortion) for p in group.points), strict=True)
            axes.scatter(rates, distortions, s=17, color=color, zorder=3)
        axes.margins(0.14)
        axes.ticklabel_format(useOffset=False)  # seeds of one setting differ little
        axes.set_title(drawable(title), pad=17.0, parse_math=False)
        axes.annotate(
            drawable(points[0].protocol),
            (0, 1),
            (0, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            color=MUTED,
            size=_FONT_SIZE,
            parse_math=False,
        )
        axes.set_xlabel("rate: KL to the prior, nats per example")
        axes.set_ylabel("distortion: reconstruction term, nats per example")
        _draw_lines_of_equal_elbo(axes, MUTED)
        figure.draw_without_rendering()  # fixes the positions that labels depend on
        figure.set_layout_engine("none")
        if len(groups) <= _MAX_LABELS:
            write_labels(axes, groups)
    return png(figure)


def _protocol(figure: Figure) -> str:
    """How a figure was computed, in one line."""
    how = figure.binarisation.partition(",")[0]
    pixels = "not binarised" if how == "none" else f"{how} binarisation"
    samples = f"{figure.samples} sample{'s'[: figure.samples != 1]} each"
    return (
        f"{figure.examples:,} {figure.split} images, {samples}, "
        f"{figure.likelihood} likelihood, {pixels}"
    )


def _draw_lines_of_equal_elbo(axes: Axes, color: str) -> None:
    """Lines on which rate and distortion have the same sum, with the ELBO in the margin."""
    from matplotlib.ticker import MaxNLocator

    left, right = axes.get_xlim()
    low, high = axes.get_ylim()
    for total in MaxNLocator(7).tick_values(left + low, right + high):
        axes.plot([left, right], [total - left, total - right], color=_LINE_COLOR, lw=0.6, zorder=0)
        if low <= total - right <= high:
            text = f"ELBO {-total:g}".replace("-", "−")
            axes.annotate(
                text,
                (right, total - right),
                (3, 0),
                textcoords="offset points",
                va="center",
                color=color,
                size=_FONT_SIZE,
            )
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)


def write_labels(axes: Axes, groups: Sequence[Group]) -> list[Bbox]:
    """Label each group at the point nearest to its mean; a crowded one by a number in a key.

    A group for which a number has no space either stays without a label. Returns the boxes of the
    labels, which overlap neither points nor each other.
    """
    from vaezoo.plotting.style import label

    boxes = _point_boxes(axes, groups)
    points = len(boxes)
    key: list[str] = []
    crowded = [group for group in groups if not _place(axes, group, label(group.label), boxes)]
    for group in crowded:
        if _place(axes, group, str(len(key) + 1), boxes):
            key.append(f"{len(key) + 1}  {label(group.label)}")
    if key:
        _write_key(axes, key)
    return boxes[points:]


def _point_boxes(axes: Axes, groups: Sequence[Group]) -> list[Bbox]:
    from matplotlib.transforms import Bbox

    radius = _POINT_RADIUS * _DPI / 72
    positions = [(point.rate, point.distortion) for group in groups for point in group.points]
    return [
        Bbox.from_extents(x - radius, y - radius, x + radius, y + radius)
        for x, y in axes.transData.transform(positions)
    ]


def _place(axes: Axes, group: Group, text: str, boxes: list[Bbox]) -> bool:
    """Write the text at the first free position and add its box to ``boxes``."""
    inside = axes.get_window_extent()
    for annotation in _candidates(axes, group, text):
        box = annotation.get_window_extent().padded(1.0)
        is_inside = inside.contains(*box.min) and inside.contains(*box.max)
        if is_inside and not box.count_overlaps(boxes):
            boxes.append(box)
            return True
        annotation.remove()
    return False


def _candidates(axes: Axes, group: Group, text: str) -> Iterator[Annotation]:
    from vaezoo.plotting.style import MUTED

    rate, distortion = group.center
    point = min(group.points, key=lambda p: abs(p.rate - rate) + abs(p.distortion - distortion))
    for x, y, horizontal, vertical in _OFFSETS:
        yield axes.annotate(
            text,
            (point.rate, point.distortion),
            (x, y),
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            color=MUTED,
            size=_FONT_SIZE,
            parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )


def _write_key(axes: Axes, lines: Sequence[str]) -> None:
    """Write the lines at the right of the plot, and widen the figure by their width."""
    from vaezoo.plotting.style import MUTED

    figure = axes.get_figure(root=True)
    assert figure is not None
    text = figure.text(
        1.0, 0.9, "\n".join(lines), va="top", color=MUTED, size=_FONT_SIZE, parse_math=False
    )
    width, height = figure.get_size_inches()
    wider = width + text.get_window_extent().width / _DPI + 0.1
    box = axes.get_position()
    figure.set_size_inches(wider, height)
    shrink = width / wider
    axes.set_position((box.x0 * shrink, box.y0, box.width * shrink, box.height))
    text.set_x(shrink)
