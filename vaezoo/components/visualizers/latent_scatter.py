"""Draw posterior means, colored by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vaezoo.components.visualizers import page_style
from vaezoo.components.visualizers.latent_usage import measure
from vaezoo.registry.contracts import EvaluationContext

_PLOT = 780
_AXIS_LEFT, _AXIS_BELOW = 80, 50
_LEGEND_GAP = 30
_LEGEND_ROWS = 24
_STRIP = 78
#: fraction of points beyond each end of an axis, so that outliers do not set its range
_TAIL = 0.0005


@page_style.with_style
def draw_latent_scatter(context: EvaluationContext, *, most: int) -> Figure:
    means = measure(context).means
    generator = torch.Generator().manual_seed(context.seed)
    # in random order no class covers the others
    shown = torch.randperm(len(means), generator=generator)[:most].numpy()
    labels = None if context.split.labels is None else context.split.labels.numpy()[shown]
    facts = [page_style.split_fact(context, len(shown)), page_style.model_fact(context)]
    if len(shown) < len(means):
        facts.append(page_style.seed_fact(context))
    if means.shape[1] == 1:
        return _draw_strips(context, means[shown, 0], labels, facts)
    if means.shape[1] == 2:
        return _draw_plane(context, means[shown], labels, ("z0", "z1"), facts)
    points, shares = principal_components(means)
    names = [f"PC {i + 1} ({share:.0%} of variance)" for i, share in enumerate(shares)]
    facts.insert(0, f"principal components of {means.shape[1]} latents")
    return _draw_plane(context, points[shown], labels, (names[0], names[1]), facts)


def principal_components(
    means: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two principal components (N, 2), and their fractions of the variance.

    The sign makes the largest loading positive, so that the picture does not depend on the linear
    algebra library.
    """
    centered = means.astype(np.float64) - means.mean(axis=0, dtype=np.float64)
    variances, vectors = np.linalg.eigh(centered.T @ centered / len(centered))
    axes = vectors[:, ::-1][:, :2]
    largest = axes[np.abs(axes).argmax(axis=0), [0, 1]]
    total = max(float(variances.sum()), np.finfo(np.float64).tiny)
    return centered @ (axes * np.where(largest < 0, -1, 1)), variances[::-1][:2] / total


def _draw_plane(
    context: EvaluationContext,
    points: NDArray[Any],
    labels: NDArray[np.int64] | None,
    names: tuple[str, str],
    facts: list[str],
) -> Figure:
    (left, right), (bottom, top) = _limits(points[:, 0]), _limits(points[:, 1])
    longest = max(right - left, top - bottom)
    width, height = (
        round(max(_PLOT * extent / longest, _PLOT / 3)) for extent in (right - left, top - bottom)
    )
    # a step is as long across as up
    left, right = _centered(left, right, longest * width / _PLOT)
    bottom, top = _centered(bottom, top, longest * height / _PLOT)
    legend = 0 if labels is None else _LEGEND_GAP + _legend_width(context, labels)
    page = page_style.page(
        context,
        "posterior means" if labels is None else "posterior means by class",
        [*facts, *_outside(points, (left, right), (bottom, top))],
        width=_AXIS_LEFT + width + legend,
        height=height + _AXIS_BELOW,
    )
    axes = page.axes(_AXIS_LEFT, 0, width, height)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=names[0], ylabel=names[1])
    _scatter(axes, points[:, 0], points[:, 1], labels)
    if labels is not None:
        _legend(context, axes, labels, _AXIS_LEFT + width + _LEGEND_GAP, width)
    return page.figure


def _centered(low: float, high: float, extent: float) -> tuple[float, float]:
    """Limits of this extent around the middle of others."""
    return (low + high - extent) / 2, (low + high + extent) / 2


def _draw_strips(
    context: EvaluationContext,
    values: NDArray[Any],
    labels: NDArray[np.int64] | None,
    facts: list[str],
) -> Figure:
    classes = np.zeros(1, np.int64) if labels is None else np.unique(labels)
    names = (
        [] if labels is None else [page_style.class_name(context, int(label)) for label in classes]
    )
    side = 20 + page_style.widest(names)
    height = _STRIP * len(classes) * (3 if labels is None else 1)
    jitter = torch.rand(len(values), generator=torch.Generator().manual_seed(context.seed)).numpy()
    rows = np.zeros(len(values)) if labels is None else np.searchsorted(classes, labels)
    page = page_style.page(
        context,
        "posterior means" if labels is None else "posterior means by class",
        [*facts, "spread vertically at random"],
        width=side + _PLOT,
        height=height + _AXIS_BELOW,
    )
    axes = page.axes(side, 0, _PLOT, height)
    axes.set(xlim=_limits(values), ylim=(len(classes) - 0.5, -0.5), xlabel="z0")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(names)), names, color=page_style.INK, parse_math=False)
    axes.tick_params(axis="y", length=0)
    _scatter(axes, values, rows + 0.76 * (jitter - 0.5), labels)
    return page.figure


def _scatter(
    axes: Axes, x: NDArray[Any], y: NDArray[Any], labels: NDArray[np.int64] | None
) -> None:
    color: Any = page_style.VALIDATION
    if labels is not None:
        classes = np.unique(labels)
        palette = np.array(page_style.class_colors(len(classes)))
        color = palette[np.searchsorted(classes, labels)]
    area = float(np.clip(30_000 / len(x), 3.0, 16.0))
    alpha = float(np.clip(7_000 / len(x), 0.7, 0.9))
    axes.scatter(x, y, c=color, s=area, alpha=alpha, linewidths=0, marker="o")


def _limits(values: NDArray[Any]) -> tuple[float, float]:
    low, high = (float(v) for v in np.quantile(values, [_TAIL, 1 - _TAIL]))
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _outside(
    points: NDArray[Any], across: tuple[float, float], up: tuple[float, float]
) -> list[str]:
    """The number of points beyond the axes as a fact, if any."""
    beyond = (points < (across[0], up[0])) | (points > (across[1], up[1]))
    count = int(beyond.any(axis=1).sum())
    return [f"{count} beyond the axes"] if count else []


def _legend_width(context: EvaluationContext, labels: NDArray[np.int64]) -> int:
    classes = np.unique(labels)
    widest = page_style.widest(page_style.class_name(context, int(label)) for label in classes)
    return (widest + 40) * -(-len(classes) // _LEGEND_ROWS)


def _legend(
    context: EvaluationContext, axes: Axes, labels: NDArray[np.int64], left: int, width: int
) -> None:
    classes = np.unique(labels)
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=5, markeredgewidth=0, color=color)
        for color in page_style.class_colors(len(classes))
    ]
    legend = axes.legend(
        handles,
        [page_style.class_name(context, int(label)) for label in classes],
        loc="upper left",
        bbox_to_anchor=((left - _AXIS_LEFT) / width, 1.0),
        borderaxespad=0,
        borderpad=0,
        handlelength=0.8,
        handletextpad=0.6,
        labelspacing=0.75,
        columnspacing=1.2,
        ncols=-(-len(classes) // _LEGEND_ROWS),
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
