"""Draw images above their reconstructions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vaezoo.components.visualizers import choose_images, page_style, sheet
from vaezoo.components.visualizers.latent_usage import decode
from vaezoo.registry.contracts import EvaluationContext

_ROWS = ("original", "reconstructed")
_SPACE = 16
_NAMES = 26
_SMALLEST_NAME = 4.5


@page_style.with_style
def draw_reconstructions(context: EvaluationContext, *, columns: int, bands: int) -> Figure:
    indices = choose_images.spread_over_classes(context, columns=columns, rows=bands)
    grid = _grid(context, indices)
    facts = [
        "each image above its mean image at the posterior mean",
        page_style.split_fact(context, len(indices.unique()), indices.numel()),
        page_style.model_fact(context),
        page_style.seed_fact(context),
    ]
    named = context.split.labels is not None
    top = _NAMES if named else 0
    left = page_style.widest(_ROWS) + _SPACE
    page = page_style.page(
        context, "reconstructions", facts, width=left + grid.width, height=top + grid.height
    )
    axes = grid.show(page, left=left, top=top)
    for row in range(len(grid.tops)):
        page_style.label_side(axes, grid.row_center(row), _ROWS[row % 2])
    if named:
        _name_columns(context, axes, grid, indices[0])
    return page.figure


def _grid(context: EvaluationContext, indices: Tensor) -> sheet.Sheet:
    bands, columns = indices.shape
    chosen, labels = indices.flatten(), context.split.labels
    originals = context.split.images[chosen]
    given = None if labels is None else labels[chosen]
    decoded = decode(context, context.model.encode(originals, given), given)
    above = sheet.in_rows(sheet.pictures(originals), columns)
    below = sheet.in_rows(sheet.pictures(decoded), columns)
    cells = np.stack([above, below], axis=1).reshape(2 * bands, *above.shape[1:])
    return sheet.paste(cells, wide_after_rows=range(1, 2 * bands, 2))


def _name_columns(
    context: EvaluationContext, axes: Axes, grid: sheet.Sheet, first_row: Tensor
) -> None:
    assert context.split.labels is not None
    names = [
        page_style.class_name(context, int(label)) for label in context.split.labels[first_row]
    ]
    size = page_style.fitting_size(names, grid.cell_width * grid.magnification)
    if size < _SMALLEST_NAME:
        return
    for column, name in enumerate(names):
        page_style.label_above(axes, grid.column_center(column), name, size=size)
