"""Draw the effect of each latent dimension."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from vaezoo.components.visualizers import page_style, sheet
from vaezoo.components.visualizers.chosen_class import ChosenClass, chosen_class
from vaezoo.components.visualizers.latent_usage import Latents, decode, measure
from vaezoo.registry.contracts import EvaluationContext

_HEADINGS = 26
_SPACE = 16
#: contrast of images of unused dimensions
_FADED = 0.35


@page_style.with_style
def draw_traversals(
    context: EvaluationContext,
    *,
    span: float,
    steps: int,
    most_rows: int,
    image: int | None,
    label: int | str | None,
) -> Figure:
    latents, of = measure(context), _class_of(context, image, label)
    dimensions = latents.order[:most_rows].tolist()
    values = torch.tensor([span * (2 * step / (steps - 1) - 1) for step in range(steps)])
    z = paths(_origin(context, latents, image), dimensions, values)
    images = sheet.pictures(decode(context, z, of.label))
    grid = _grid(images, latents, dimensions)
    names = [f"z{dimension}" for dimension in dimensions]
    amounts = [_amount(latents, dimension) for dimension in dimensions]
    indent = page_style.widest(amounts) + _SPACE
    left = indent + page_style.widest(names, weight="bold") + _SPACE
    page = page_style.page(
        context,
        f"latent traversals{of.words}",
        _facts(context, latents, dimensions, image),
        width=left + grid.width,
        height=_HEADINGS + grid.height,
    )
    axes = grid.show(page, left=left, top=_HEADINGS)
    for row, (name, amount) in enumerate(zip(names, amounts, strict=True)):
        used = bool(latents.used[dimensions[row]])
        y = grid.row_center(row)
        page_style.label_side(axes, y, amount, color=page_style.MUTED)
        color = page_style.INK if used else page_style.MUTED
        page_style.label_side(axes, y, name, color=color, weight="bold", indent=indent)
    grid.number_columns(axes, values.tolist())
    return page.figure


def _class_of(
    context: EvaluationContext, image: int | None, label: int | str | None
) -> ChosenClass:
    """The class to draw for: by default that of the image, or the first."""
    labels = context.split.labels
    if label is None and image is not None and labels is not None and image < len(labels):
        label = int(labels[image])
    return chosen_class(context, label)


def _origin(context: EvaluationContext, latents: Latents, image: int | None) -> Tensor:
    if image is None:
        return torch.zeros(context.model.latent)
    if image >= len(context.split):
        raise ValueError(
            f"traversals start at image {image}, but {context.split_name} has {len(context.split)}"
        )
    return torch.from_numpy(latents.means[image])


def paths(origin: Tensor, dimensions: list[int], values: Tensor) -> Tensor:
    """``origin`` with one dimension set to each value: (dimensions · values, latent)."""
    z = origin.repeat(len(dimensions), len(values), 1)
    for row, dimension in enumerate(dimensions):
        z[row, :, dimension] = values
    return z.flatten(0, 1)


def _grid(images: NDArray[np.float32], latents: Latents, dimensions: list[int]) -> sheet.Sheet:
    """A row for each dimension; those of unused ones are faded."""
    cells = sheet.in_rows(images, len(images) // len(dimensions))
    unused = ~latents.used[dimensions]
    cells[unused] = sheet.WHITE - _FADED * (sheet.WHITE - cells[unused])
    return sheet.paste(cells)


def _facts(
    context: EvaluationContext, latents: Latents, dimensions: list[int], image: int | None
) -> list[str]:
    measured = "mean KL to the prior" if latents.unit == "nats" else "variance of posterior means"
    others = "at 0" if image is None else f"at the posterior mean of image {image}"
    shown = f"{len(dimensions)} of {context.model.latent} dimensions"
    if len(dimensions) == context.model.latent:
        shown = "every dimension" if len(dimensions) > 1 else "the one dimension"
    how = ", ordered by" if len(dimensions) > 1 else " with its"
    on = f"{shown}{how} {measured} on {page_style.split_fact(context, len(context.split))}"
    unused = int((~latents.used).sum())
    return [
        on if latents.unit else f"{shown}, not ordered: no images available",
        *([f"the others {others}"] if context.model.latent > 1 else []),
        *([f"{unused} unused, faded"] if unused else []),
        page_style.model_fact(context),
    ]


def _amount(latents: Latents, dimension: int) -> str:
    if not latents.unit:
        return ""
    carried = latents.carried[dimension]
    if not latents.used[dimension]:
        return f"{carried:.2f}, unused"
    return f"{carried:.2f} nats" if latents.unit == "nats" else f"variance {carried:.2f}"
