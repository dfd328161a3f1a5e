"""Draw linear interpolations between pairs of images."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from vaezoo.components.visualizers import choose_images, page_style, sheet
from vaezoo.components.visualizers.chosen_class import chosen_class
from vaezoo.components.visualizers.latent_usage import decode
from vaezoo.registry.contracts import EvaluationContext

_HEADINGS = 26
_SPACE = 16
_FRAME_POINTS = 1.2


@page_style.with_style
def draw_interpolations(
    context: EvaluationContext, *, pairs: int, steps: int, label: int | str | None
) -> Figure:
    of = chosen_class(context, label)
    if of.label is None:
        indices = choose_images.pairs_across_classes(context, pairs)
    else:
        indices = choose_images.pairs_of_class(context, of.label, pairs)
    grid = _grid(context, indices, steps, of.label)
    names = _names(context, indices)
    label = _SPACE + page_style.widest(name for row in names for name in row)
    facts = [
        "framed: images; between: mean images on the line from one posterior mean (0) "
        "to the other (1)",
        page_style.split_fact(context, len(indices.unique()), indices.numel()),
        page_style.model_fact(context),
        page_style.seed_fact(context),
    ]
    page = page_style.page(
        context,
        f"interpolations{of.words}",
        facts,
        width=grid.width + 2 * label,
        height=_HEADINGS + grid.height,
    )
    axes = grid.show(page, left=label, top=_HEADINGS)
    for row, (first, last) in enumerate(names):
        page_style.label_side(axes, grid.row_center(row), first)
        page_style.label_side(axes, grid.row_center(row), last, right=True)
        for column in (0, len(grid.lefts) - 1):
            _frame(axes, grid, row, column)
    _head(axes, grid, steps)
    return page.figure


def line(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """``steps`` points from ``first`` (B, latent) to ``last``: (B · steps, latent)."""
    fraction = torch.linspace(0, 1, steps, device=first.device)[None, :, None]
    return torch.lerp(first[:, None], last[:, None], fraction).flatten(0, 1)


def _grid(
    context: EvaluationContext, indices: Tensor, steps: int, label: int | None
) -> sheet.Sheet:
    first, last = (context.split.images[column] for column in indices.T)
    one, other = (context.model.encode(images, label).flatten(1) for images in (first, last))
    z = line(one, other, steps)
    between = sheet.in_rows(sheet.pictures(decode(context, z, label)), steps)
    ends = [sheet.pictures(images)[:, None] for images in (first, last)]
    cells = np.concatenate([ends[0], between, ends[1]], axis=1)
    gap = max(3, round(cells.shape[2] / 10))
    return sheet.paste(cells, gap=gap, wide_after_columns=(0, steps))


def _names(context: EvaluationContext, indices: Tensor) -> list[tuple[str, str]]:
    if context.split.labels is None:
        return [("", "")] * len(indices)
    labels = context.split.labels[indices].tolist()
    return [
        (page_style.class_name(context, a), page_style.class_name(context, b)) for a, b in labels
    ]


def _frame(axes: Axes, grid: sheet.Sheet, row: int, column: int) -> None:
    points_per_pixel = grid.magnification * 72 / page_style.DPI
    margin = _FRAME_POINTS / 2 / points_per_pixel
    corner = (grid.lefts[column] - margin, grid.tops[row] - margin)
    axes.add_patch(
        Rectangle(
            corner,
            grid.cell_width + 2 * margin,
            grid.cell_height + 2 * margin,
            fill=False,
            edgecolor=page_style.ACCENT,
            linewidth=_FRAME_POINTS,
            joinstyle="miter",
            clip_on=False,
        )
    )


def _head(axes: Axes, grid: sheet.Sheet, steps: int) -> None:
    for column in (0, steps + 1):
        page_style.label_above(
            axes, grid.column_center(column), "original", color=page_style.ACCENT
        )
    grid.number_columns(axes, [step / (steps - 1) for step in range(steps)], first=1)
