"""Draw the terms of the objective over the epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vaezoo.components.visualizers import page_style
from vaezoo.plotting.style import label
from vaezoo.registry.contracts import EpochRecord, EvaluationContext

_WIDTH, _HEIGHT = 370, 300
_LEFT, _RIGHT, _ABOVE, _BELOW = 66, 104, 40, 50
_PANELS_A_ROW = 3
#: first epochs that the axes may omit, as a fraction of all
_WARM_UP = 0.05
#: ratio of the full range to that of later epochs above which the axes omit the start
_MAX_RATIO = 2.0

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One small plot: named series of (epoch, value)."""

    title: str
    series: Mapping[str, Points]
    logarithmic: bool = False


@page_style.with_style
def draw_loss_curves(context: EvaluationContext) -> Figure:
    panels = panels_of(context.history)
    rows = -(-len(panels) // _PANELS_A_ROW)
    columns = -(-len(panels) // max(rows, 1))
    step_x, step_y = _LEFT + _WIDTH + _RIGHT, _ABOVE + _HEIGHT + _BELOW
    page = page_style.page(
        context, "training", _facts(context), width=columns * step_x, height=rows * step_y
    )
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        axes = page.axes(column * step_x + _LEFT, row * step_y + _ABOVE, _WIDTH, _HEIGHT)
        _draw_panel(axes, panel)
    return page.figure


def panels_of(history: Sequence[EpochRecord]) -> list[Panel]:
    """The panels: the terms, then every scheduled number that changed."""
    if not history:
        return []
    terms = [
        _terms("objective", history, lambda terms: terms["objective"]),
        _terms("−ELBO", history, lambda terms: -terms["elbo"]),
        _terms("reconstruction, −log p(x|z)", history, lambda terms: terms["reconstruction"]),
        _terms("KL to the prior", history, lambda terms: terms["kl"]),
    ]
    if _are_close(terms[0], terms[1]):
        terms[:2] = [Panel("objective = −ELBO", terms[0].series)]
    names = sorted({name for record in history for name in record.weights})
    scheduled = {name: [(r.epoch, r.weights[name]) for r in history] for name in names}
    scheduled["learning rate"] = [(r.epoch, r.learning_rate) for r in history]
    return terms + [
        Panel(_weight_title(name), {"": points}, _spans_decades(points))
        for name, points in scheduled.items()
        if len({value for _, value in points}) > 1
    ]


def _weight_title(name: str) -> str:
    return {"beta": "β"}.get(name) or label(name.replace("_", " "))


def _terms(
    title: str, history: Sequence[EpochRecord], value: Callable[[dict[str, float]], float]
) -> Panel:
    series: dict[str, Points] = {"train": [(r.epoch, value(r.train)) for r in history]}
    validation = [(r.epoch, value(r.validation)) for r in history if r.validation is not None]
    if validation:
        series["validation"] = validation
    return Panel(title, series)


def _are_close(one: Panel, other: Panel) -> bool:
    return all(
        math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-6)
        for name, points in one.series.items()
        for (_, a), (_, b) in zip(points, other.series[name], strict=True)
    )


def _spans_decades(points: Points) -> bool:
    values = [value for _, value in points]
    return min(values) > 0 and max(values) / min(values) >= 20


def _facts(context: EvaluationContext) -> list[str]:
    if not context.history:
        return ["this model has no training history"]
    epochs = len(context.history)
    validated = any(record.validation is not None for record in context.history)
    return [
        "nats per example",
        "train: running mean within the epoch",
        *(["validation: after the epoch"] if validated else []),
        f"{epochs} epoch{'s' if epochs > 1 else ''}",
        page_style.model_fact(context),
        f"seed {context.spec.train.seed}",
    ]


def _draw_panel(axes: Axes, panel: Panel) -> None:
    colors = {"train": page_style.TRAIN, "validation": page_style.VALIDATION, "": page_style.INK}
    for name, points in panel.series.items():
        epochs, values = zip(*points, strict=True)
        marker = "o" if len(points) == 1 else None
        axes.plot(epochs, values, color=colors[name], marker=marker, markersize=3.5)
    if panel.logarithmic:
        axes.set_yscale("log")
    else:
        _limit(axes, panel)
    every = [epoch for points in panel.series.values() for epoch, _ in points]
    first, last = min(every), max(every)
    room = 0.02 * (last - first) or 0.5
    axes.set_xlim(first - room, last + room)
    axes.xaxis.set_major_locator(
        MaxNLocator(nbins=5, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
    )
    axes.set_title(panel.title, color=page_style.INK, parse_math=False)
    axes.set_xlabel("epoch")
    axes.grid(axis="y", color=page_style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    _label_ends(axes, panel, colors)


def limits(series: Mapping[str, Points]) -> tuple[float, float]:
    """The range of the axis: all values, or without outliers in the first epochs."""
    everything = [value for points in series.values() for _, value in points]
    epochs = max(len(points) for points in series.values())
    skip = max(1, math.ceil(_WARM_UP * epochs))
    later = [value for points in series.values() for _, value in points[skip:]]
    low, high = min(everything), max(everything)
    if later and epochs > 3 and high - low > _MAX_RATIO * (max(later) - min(later)):
        low, high = min(later), max(later)
    room = 0.08 * (high - low) or max(0.05 * abs(high), 1e-6)
    return low - room, high + room


def _limit(axes: Axes, panel: Panel) -> None:
    low, high = limits(panel.series)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    epoch, value = panel.series[next(iter(panel.series))][0]
    if low <= value <= high:
        return
    top = value > high
    axes.annotate(
        f"{'above' if top else 'below'} the axis: {value:.1f} in epoch {epoch:g}",
        (1, 1.0 if top else 0.0),
        xycoords="axes fraction",
        xytext=(-2, -2 if top else 3),
        textcoords="offset points",
        ha="right",
        va="top" if top else "bottom",
        size=6,
        color=page_style.MUTED,
        bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    )


def _label_ends(axes: Axes, panel: Panel, colors: dict[str, str]) -> None:
    """Label each series at its end with name and last value, without overlap."""
    low, high = axes.get_ylim()
    ends = sorted(((points[-1][1], name) for name, points in panel.series.items()), reverse=True)
    distance = 0.13
    places = [min(max((value - low) / (high - low), 0.0), 1.0) for value, _ in ends]
    if panel.logarithmic:
        places = [math.log(value / low) / math.log(high / low) for value, _ in ends]
    if len(places) == 2 and places[0] - places[1] < distance:
        middle = min(max(sum(places) / 2, distance / 2), 1 - distance / 2)
        places = [middle + distance / 2, middle - distance / 2]
    for (value, name), place in zip(ends, places, strict=True):
        number = f"{value:.3g}" if name == "" else f"{value:.2f}"
        axes.annotate(
            f"{name}\n{number}" if name else number,
            (1, place),
            xycoords="axes fraction",
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            linespacing=1.15,
            size=6.5,
            color=colors[name],
            annotation_clip=False,
        )
