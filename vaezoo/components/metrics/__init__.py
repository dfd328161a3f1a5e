"""Metrics: figures taken from a trained model."""

from __future__ import annotations

from vaezoo.components.metrics.bounds import (
    AmortisationGap,
    ELBOMetric,
    EntropyFloor,
    ImportanceWeighted,
)
from vaezoo.components.metrics.images import ReconstructionError, SampleQuality
from vaezoo.components.metrics.latents import ActiveUnits, Information
from vaezoo.components.metrics.probes import LinearProbe, NearestNeighbours
from vaezoo.registry import Component

COMPONENTS: list[type[Component]] = [
    ELBOMetric,
    ImportanceWeighted,
    AmortisationGap,
    EntropyFloor,
    ActiveUnits,
    Information,
    ReconstructionError,
    LinearProbe,
    NearestNeighbours,
    SampleQuality,
]
