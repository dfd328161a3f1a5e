"""A grid of prior samples."""

from __future__ import annotations

from matplotlib.figure import Figure

from vaezoo.components.visualizers import sheet, style
from vaezoo.registry.contracts import Scene


@style.house_style
def draw_samples(scene: Scene, *, count: int, columns: int) -> Figure:
    images = sheet.pictures(scene.model.sample(count, seed=scene.seed))
    grid = sheet.paste(sheet.in_rows(images, min(columns, count)))
    facts = [
        f"mean images of {count:,} latents drawn from the prior",
        style.model_fact(scene),
        style.seed_fact(scene),
    ]
    page = style.page(scene, "samples", facts, width=grid.width, height=grid.height)
    grid.show(page)
    return page.figure
