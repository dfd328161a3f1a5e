"""Draw a grid of samples."""

from __future__ import annotations

from matplotlib.figure import Figure

from vaezoo.components.visualizers import page_style, sheet
from vaezoo.registry.contracts import EvaluationContext


@page_style.with_style
def draw_samples(context: EvaluationContext, *, count: int, columns: int) -> Figure:
    images = sheet.pictures(context.model.sample(count, seed=context.seed))
    grid = sheet.paste(sheet.in_rows(images, min(columns, count)))
    facts = [
        f"mean images of {count:,} latents drawn {context.model.drawn_from}",
        page_style.model_fact(context),
        page_style.seed_fact(context),
    ]
    page = page_style.page(context, "samples", facts, width=grid.width, height=grid.height)
    grid.show(page)
    return page.figure
