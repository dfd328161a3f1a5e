"""One latent dimension at a time."""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from vaezoo.components.visualizers import sheet, style
from vaezoo.components.visualizers.latents import Latents, decode, measure
from vaezoo.registry.contracts import Scene

_LABELS = 170
_HEADINGS = 26
#: how much of an unused dimension's images is left
_FADED = 0.35


@style.house_style
def draw_traversals(
    scene: Scene, *, span: float, steps: int, most_rows: int, image: int | None
) -> Figure:
    latents = measure(scene)
    dimensions = latents.order[:most_rows].tolist()
    values = torch.linspace(-span, span, steps)
    grid = _grid(scene, latents, dimensions, values, _origin(scene, latents, image))
    page = style.page(
        scene,
        "latent traversals",
        _facts(scene, latents, dimensions, image),
        width=_LABELS + grid.width,
        height=_HEADINGS + grid.height,
    )
    axes = grid.show(page, left=_LABELS, top=_HEADINGS)
    for row, dimension in enumerate(dimensions):
        _label(axes, grid.row_centre(row), latents, dimension)
    for column, value in enumerate(values.tolist()):
        style.above(axes, grid.column_centre(column), style.number(value))
    return page.figure


def _origin(scene: Scene, latents: Latents, image: int | None) -> Tensor:
    if image is None:
        return torch.zeros(scene.model.latent)
    if image >= len(scene.split):
        raise ValueError(
            f"traversals start at image {image}, but {scene.split_name} has {len(scene.split)}"
        )
    return torch.from_numpy(latents.means[image])


def paths(origin: Tensor, dimensions: list[int], values: Tensor) -> Tensor:
    """``origin`` with one dimension at a time at each value: (dimensions · values, latent)."""
    z = origin.repeat(len(dimensions), len(values), 1)
    for row, dimension in enumerate(dimensions):
        z[row, :, dimension] = values
    return z.flatten(0, 1)


def _grid(
    scene: Scene, latents: Latents, dimensions: list[int], values: Tensor, origin: Tensor
) -> sheet.Sheet:
    images = sheet.pictures(decode(scene, paths(origin, dimensions, values)))
    cells = sheet.in_rows(images, len(values))
    unused = ~latents.used[dimensions]
    cells[unused] = sheet.WHITE - _FADED * (sheet.WHITE - cells[unused])
    return sheet.paste(cells)


def _facts(scene: Scene, latents: Latents, dimensions: list[int], image: int | None) -> list[str]:
    measure_name = "mean KL to the prior" if latents.unit == "nats" else "variance of the means"
    others = "at 0" if image is None else f"at the posterior mean of image {image}"
    shown = f"{len(dimensions)} of {scene.model.latent} dimensions"
    if len(dimensions) == scene.model.latent:
        shown = "every dimension" if len(dimensions) > 1 else "the one dimension"
    unused = int((~latents.used).sum())
    return [
        f"{shown}, ordered by {measure_name}",
        *([f"the others {others}"] if scene.model.latent > 1 else []),
        *([f"{unused} unused, faded"] if unused else []),
        style.split_fact(scene, len(scene.split)),
        style.likelihood_fact(scene),
    ]


def _label(axes: Axes, y: float, latents: Latents, dimension: int) -> None:
    used = bool(latents.used[dimension])
    colour = style.INK if used else style.MUTED
    amount = latents.carried[dimension]
    unit = "nats" if latents.unit == "nats" else "var."
    text = f"{amount:.2f} {unit}" if used else f"{amount:.2f}, unused"
    style.beside(axes, y, text, colour=style.MUTED)
    style.beside(axes, y, f"z{dimension}", colour=colour, indent=46, weight="bold")
