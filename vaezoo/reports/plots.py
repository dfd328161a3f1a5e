"""The report's own plots: training curves, the rate–distortion plane, KL by dimension. As SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaezoo.plotting.style import INK, MUTED, label, plot_style
from vaezoo.registry import EpochRecord

#: The color of each run. They also differ in lightness, for print.
COLORS = ("#1f5fbf", "#d9480f")
_FAINT = "#d8dce1"
_WIDTH = 7.1  # inches, the width of the text
_HEIGHT = 1.75
_FONT_SIZE = 6.6
#: The share of epochs at the start that the axes may cut off, and how many times larger the full
#: range must be before they do.
_WARM_UP = 0.05
_MAX_RANGE_RATIO = 2.0

_RULES = {
    "font.size": _FONT_SIZE,
    "axes.titlesize": _FONT_SIZE + 0.6,
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "lines.linewidth": 1.1,
    "legend.fontsize": _FONT_SIZE,
    "svg.fonttype": "path",
    "svg.hashsalt": "vaezoo",  # makes ids reproducible
    "figure.constrained_layout.w_pad": 0.02,
    "figure.constrained_layout.h_pad": 0.02,
}

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Run:
    """The plotted data of one entry: its epochs, and rate and distortion on the test split."""

    name: str
    history: tuple[EpochRecord, ...]
    point: tuple[float, float] | None = None

    @property
    def is_validated(self) -> bool:
        """Whether every epoch has figures on held-out images."""
        return bool(self.history) and all(record.validation for record in self.history)


def training(runs: Sequence[Run]) -> bytes:
    """Objective, −ELBO, reconstruction and KL over the epochs, and the rate–distortion plane."""
    with plot_style(), matplotlib.style.context(_RULES):
        curves = list(_curves(runs))
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.subplots(1, len(curves) + 1, width_ratios=[*[1.0] * len(curves), 1.25])
        for place, (title, value) in zip(axes, curves, strict=False):
            _draw_curves(place, title, runs, value)
        _draw_plane(axes[-1], runs)
        return _svg(figure)


def by_dimension(
    bars: Mapping[str, Sequence[float]], limit: float, height: float, axis: str = "KL, nats"
) -> bytes:
    """Bars of a value of each latent dimension for each entry; gray below ``limit``."""
    with plot_style(), matplotlib.style.context(_RULES):
        figure = Figure(figsize=(_WIDTH / 2, height), layout="constrained")
        axes = figure.subplots()
        width = 0.8 / len(bars)
        for group, (name, nats) in enumerate(bars.items()):
            ranked = sorted(range(len(nats)), key=lambda index: -nats[index])
            order = ranked if len(bars) > 1 else list(range(len(nats)))
            axes.bar(
                [place + (group - (len(bars) - 1) / 2) * width for place in range(len(nats))],
                [nats[index] for index in order],
                width=0.92 * width,
                color=[MUTED if nats[index] < limit else COLORS[group] for index in order],
                label=label(name),
            )
        axes.set_ylabel(axis)
        count = max(map(len, bars.values()))
        stride = max(1, math.ceil(count / 14))
        if len(bars) > 1:
            axes.set_xlabel("latents, sorted by KL")
            axes.set_xticks(range(0, count, stride), map(str, range(1, count + 1, stride)))
            for text in axes.legend().get_texts():
                text.set_parse_math(False)
        else:
            axes.set_xticks(
                range(0, count, stride), [f"z{index}" for index in range(0, count, stride)]
            )
        axes.set_xlim(-0.6, count - 0.4)
        axes.grid(axis="y", color=_FAINT, linewidth=0.5)
        axes.set_axisbelow(True)
        return _svg(figure)


def _curves(
    runs: Sequence[Run],
) -> Iterator[tuple[str, Callable[[dict[str, float]], float]]]:
    """The curves over epochs; the objective has its own only if it differs from the −ELBO."""
    means = [record.train for run in runs for record in run.history]
    if not all(math.isclose(m["objective"], -m["elbo"], rel_tol=1e-5, abs_tol=1e-6) for m in means):
        yield "objective", lambda terms: terms["objective"]
        yield "−ELBO", lambda terms: -terms["elbo"]
    else:
        yield "objective = −ELBO", lambda terms: -terms["elbo"]
    yield "reconstruction", lambda terms: terms["reconstruction"]
    yield "KL", lambda terms: terms["kl"]


def _draw_curves(
    axes: Axes, title: str, runs: Sequence[Run], value: Callable[[dict[str, float]], float]
) -> None:
    drawn: list[Points] = []
    for run, color in zip(runs, COLORS, strict=False):
        train = [(r.epoch, value(r.train)) for r in run.history]
        held_out = [(r.epoch, value(r.validation)) for r in run.history if r.validation]
        thin = held_out and len(runs) > 1
        _plot(axes, train, "#8a949e" if len(runs) == 1 else color, ":" if thin else "-")
        _plot(axes, held_out, color, "-")
        drawn += [train, held_out]
    axes.set_title(title, color=INK)
    axes.set_xlabel("epoch")
    axes.set_ylim(*_limits(drawn))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    _finish(axes)


def _plot(axes: Axes, points: Points, color: str, style: str) -> None:
    if points:
        marker = "o" if len(points) == 1 else None
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, values, style, color=color, marker=marker, markersize=3)


def _draw_plane(axes: Axes, runs: Sequence[Run]) -> None:
    """Distortion over rate after each epoch, with lines of equal ELBO."""
    paths = [_path(run) for run in runs]
    points = [run.point for run in runs if run.point]
    every = [*chain.from_iterable(paths), *points]
    rates = _limits([[(0, rate) for rate, _ in path] for path in paths], (r for r, _ in points))
    distortions = _limits([[(0, d) for _, d in path] for path in paths], (d for _, d in points))
    for run, path, color in zip(runs, paths, COLORS, strict=False):
        if path:
            axes.plot(*zip(*path, strict=True), color=color, linewidth=0.7, alpha=0.55)
            axes.plot(*zip(*path, strict=True), ".", color=color, markersize=2.2, alpha=0.75)
        if run.point:
            axes.plot(
                *run.point,
                "*",
                color=INK if len(runs) == 1 else color,
                markersize=9,
                markeredgecolor="white",
                markeredgewidth=0.6,
                zorder=5,
            )
    axes.set(xlim=rates, ylim=distortions, xlabel="rate: KL", ylabel="distortion: reconstruction")
    axes.set_title("trade-off", color=INK)
    _finish(axes)
    if every:
        _draw_equal_elbo(axes, rates, distortions)


def _path(run: Run) -> list[tuple[float, float]]:
    terms = [r.validation if run.is_validated and r.validation else r.train for r in run.history]
    return [(means["kl"], means["reconstruction"]) for means in terms]


def _draw_equal_elbo(
    axes: Axes, rates: tuple[float, float], distortions: tuple[float, float]
) -> None:
    """Gray lines D + R = constant at round values, labeled at their ends."""
    corners = rates[0] + distortions[0], rates[1] + distortions[1]
    for level in MaxNLocator(nbins=5).tick_values(*corners):
        ends = [level - rate for rate in rates]
        if ends[0] < distortions[0] or ends[1] > distortions[1]:
            continue
        axes.plot(rates, ends, color=_FAINT, linewidth=0.7, zorder=0)
        # the line leaves the axes at the right edge or at the bottom
        low = max(ends[1], distortions[0])
        axes.annotate(
            f"{level:g}",
            (level - low, low),
            xytext=(-1, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            size=_FONT_SIZE - 1.4,
            color=MUTED,
            zorder=1,
        )


def _limits(series: Iterable[Points], others: Iterable[float] = ()) -> tuple[float, float]:
    """Axis limits for all values, without the first epochs if they would squash the rest."""
    lines = [[value for _, value in points if math.isfinite(value)] for points in series]
    kept = [value for value in others if math.isfinite(value)]
    everything = [*chain.from_iterable(lines), *kept]
    if not everything:
        return 0.0, 1.0
    later = [v for line in lines for v in line[max(1, math.ceil(_WARM_UP * len(line))) :]] + kept
    low, high = min(everything), max(everything)
    if len(later) > 2 and high - low > _MAX_RANGE_RATIO * (max(later) - min(later)):
        low, high = min(later), max(later)
    room = 0.07 * (high - low) or max(0.05 * abs(high), 1e-6)
    return low - room, high + room


def _finish(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.grid(axis="y", color=_FAINT, linewidth=0.4)
    axes.set_axisbelow(True)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "vaezoo"})
    return buffer.getvalue()
