"""Draw the decoded latent plane."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vaezoo.components.visualizers import page_style, sheet
from vaezoo.components.visualizers.chosen_class import ChosenClass, chosen_class
from vaezoo.components.visualizers.latent_usage import decode, measure
from vaezoo.registry.contracts import EvaluationContext

_TICKS = (-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
_BELOW = 50
_TICK, _SPACE = 16, 12


def quantiles(side: int) -> Tensor:
    """The midpoints of ``side`` equal-probability intervals of a standard normal distribution."""
    normal = NormalDist()
    return torch.tensor([normal.inv_cdf((index + 0.5) / side) for index in range(side)])


def plane(side: int, latent: int, across: int, up: int) -> Tensor:
    """Latents (side², latent) in rows from the top; ``across`` grows rightward, ``up`` upward."""
    values = quantiles(side)
    z = torch.zeros(side, side, latent)
    z[:, :, across] = values[None, :]
    z[:, :, up] = values.flip(0)[:, None]
    return z.flatten(0, 1)


@page_style.with_style
def draw_manifold(context: EvaluationContext, *, side: int, label: int | str | None) -> Figure:
    of = chosen_class(context, label)
    if context.model.latent == 1:
        return _draw_line(context, side, of)
    if context.model.latent == 2:
        return _draw_plane(context, side, (0, 1), f"latent plane{of.words}", [], of.label)
    latents = measure(context)
    across, up = sorted(latents.order[:2].tolist())
    title = f"plane of z{across} and z{up}, the two of {context.model.latent} latents "
    title += "that carry the most KL" if latents.unit == "nats" else "whose means vary most"
    facts = ["all other latents at 0"]
    return _draw_plane(context, side, (across, up), f"{title}{of.words}", facts, of.label)


def _draw_plane(
    context: EvaluationContext,
    side: int,
    dimensions: tuple[int, int],
    title: str,
    facts: Sequence[str],
    label: int | None,
) -> Figure:
    z = plane(side, context.model.latent, *dimensions)
    cells = sheet.in_rows(sheet.pictures(decode(context, z, label)), side)
    grid = sheet.paste(cells, gap=0)
    across, up = (f"z{dimension}" for dimension in dimensions)
    values = _ticks(side)
    indent = _TICK + page_style.widest(map(page_style.number, values)) + _SPACE
    left = indent + page_style.widest([up]) + _SPACE
    page = page_style.page(
        context,
        title,
        [*facts, *_facts(context)],
        width=left + grid.width,
        height=grid.height + _BELOW,
    )
    axes = grid.show(page, left=left)
    rows, columns = grid.pixels.shape[:2]
    _ticks_below(axes, side, columns, across)
    axes.set_yticks(
        [rows * (1 - NormalDist().cdf(v)) for v in values], map(page_style.number, values)
    )
    page_style.label_side(axes, rows / 2, up, indent=indent)
    return page.figure


def _draw_line(context: EvaluationContext, side: int, of: ChosenClass) -> Figure:
    images = sheet.pictures(decode(context, quantiles(side)[:, None], of.label))
    grid = sheet.paste(images[None], gap=0)
    page = page_style.page(
        context,
        f"latent line{of.words}",
        _facts(context),
        width=grid.width,
        height=grid.height + _BELOW,
    )
    axes = grid.show(page)
    _ticks_below(axes, side, grid.pixels.shape[1], "z0")
    return page.figure


def _facts(context: EvaluationContext) -> list[str]:
    return [
        "mean images, spaced by the inverse Gaussian CDF so that each has the same probability",
        page_style.model_fact(context),
    ]


def _ticks(side: int) -> list[float]:
    furthest = float(quantiles(side)[-1])
    return [value for value in _TICKS if abs(value) <= furthest]


def _ticks_below(axes: Axes, side: int, width: int, name: str) -> None:
    axes.set_axis_on()
    axes.spines[:].set_visible(False)
    values = _ticks(side)
    axes.set_xticks([width * NormalDist().cdf(v) for v in values], map(page_style.number, values))
    axes.set_yticks([])
    axes.set_xlabel(name, color=page_style.INK)
