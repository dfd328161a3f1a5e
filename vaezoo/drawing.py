"""Pictures of a trained model: a spec's visualizers, each to the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vaezoo.registry import Scene, Visualizer


def draw(
    visualizers: Sequence[Visualizer], scene: Scene, announce: Callable[[str], object]
) -> dict[str, bytes]:
    """Each picture under its visualizer's name; a second one of a kind is called ``name-2``.

    ``announce`` is called with each name before it is drawn.
    """
    from vaezoo.data.figures import png  # and matplotlib, for which no training need wait

    pictures: dict[str, bytes] = {}
    for visualizer in visualizers:
        name = _free_name(visualizer.use, pictures)
        announce(name)
        pictures[name] = png(visualizer.draw(scene))
    return pictures


def _free_name(name: str, taken: dict[str, bytes]) -> str:
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (name, *numbered) if candidate not in taken)
