"""Images above their reconstructions."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vaezoo.components.visualizers import choose, sheet, style
from vaezoo.components.visualizers.latents import decode
from vaezoo.registry.contracts import Scene

_ROWS = ("original", "reconstructed")
_SPACE = 16
_NAMES = 26
_SMALLEST_NAME = 4.5


@style.house_style
def draw_reconstructions(scene: Scene, *, columns: int, bands: int) -> Figure:
    indices = choose.spread_over_classes(scene, columns=columns, rows=bands)
    grid = _grid(scene, indices)
    facts = [
        "each image above its mean image at the posterior mean",
        style.split_fact(scene, len(indices.unique()), indices.numel()),
        style.model_fact(scene),
        style.seed_fact(scene),
    ]
    named = scene.split.labels is not None
    top = _NAMES if named else 0
    left = style.widest(_ROWS) + _SPACE
    page = style.page(
        scene, "reconstructions", facts, width=left + grid.width, height=top + grid.height
    )
    axes = grid.show(page, left=left, top=top)
    for row in range(len(grid.tops)):
        style.beside(axes, grid.row_centre(row), _ROWS[row % 2])
    if named:
        _name_columns(scene, axes, grid, indices[0])
    return page.figure


def _grid(scene: Scene, indices: Tensor) -> sheet.Sheet:
    bands, columns = indices.shape
    originals = scene.split.images[indices.flatten()]
    decoded = decode(scene, scene.model.encode(originals))
    above = sheet.in_rows(sheet.pictures(originals), columns)
    below = sheet.in_rows(sheet.pictures(decoded), columns)
    cells = np.stack([above, below], axis=1).reshape(2 * bands, *above.shape[1:])
    return sheet.paste(cells, wide_after_rows=range(1, 2 * bands, 2))


def _name_columns(scene: Scene, axes: Axes, grid: sheet.Sheet, first_row: Tensor) -> None:
    assert scene.split.labels is not None
    names = [style.class_name(scene, int(label)) for label in scene.split.labels[first_row]]
    size = style.fitting_size(names, grid.cell_width * grid.magnification)
    if size < _SMALLEST_NAME:
        return
    for column, name in enumerate(names):
        style.above(axes, grid.column_centre(column), name, size=size)
