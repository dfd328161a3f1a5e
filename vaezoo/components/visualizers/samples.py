"""Draw a grid of samples."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from vaezoo.components.visualizers import page_style, sheet
from vaezoo.registry import Condition
from vaezoo.registry.contracts import EvaluationContext

_SPACE = 16


@page_style.with_style
def draw_samples(context: EvaluationContext, *, count: int, columns: int) -> Figure:
    if context.model.condition:
        return _draw_classes(context, context.model.condition, columns)
    images = sheet.pictures(context.model.sample(count, seed=context.seed))
    grid = sheet.paste(sheet.in_rows(images, min(columns, count)))
    facts = [
        f"mean images of {count:,} latents drawn {context.model.drawn_from}",
        *_facts(context),
    ]
    page = page_style.page(context, "samples", facts, width=grid.width, height=grid.height)
    grid.show(page)
    return page.figure


def _draw_classes(context: EvaluationContext, condition: Condition, columns: int) -> Figure:
    """A row for each class, all from the same random numbers."""
    rows = [
        context.model.sample(columns, labels=label, seed=context.seed)
        for label in range(condition.size)
    ]
    grid = sheet.paste(sheet.in_rows(sheet.pictures(torch.cat(rows)), columns))
    names = [page_style.class_name(context, label) for label in range(condition.size)]
    left = page_style.widest(names) + _SPACE
    facts = [
        f"mean images of {columns:,} latents drawn {context.model.drawn_from} for each class, "
        "with the same seed",
        *_facts(context),
    ]
    page = page_style.page(
        context, "samples by class", facts, width=left + grid.width, height=grid.height
    )
    axes = grid.show(page, left=left)
    for row, name in enumerate(names):
        page_style.label_side(axes, grid.row_center(row), name)
    return page.figure


def _facts(context: EvaluationContext) -> list[str]:
    return [page_style.model_fact(context), page_style.seed_fact(context)]
