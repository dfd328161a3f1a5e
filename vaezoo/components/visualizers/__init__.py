"""The built-in visualizers."""

from __future__ import annotations

from vaezoo.components.visualizers.visualizers import (
    Interpolations,
    LatentScatter,
    LossCurves,
    Manifold,
    Reconstructions,
    Samples,
    Traversals,
)
from vaezoo.registry import Component

COMPONENTS: list[type[Component]] = [
    LossCurves,
    Samples,
    Reconstructions,
    LatentScatter,
    Manifold,
    Traversals,
    Interpolations,
]
