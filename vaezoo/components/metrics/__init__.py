"""Metrics: figures of a trained model."""

from __future__ import annotations

from vaezoo.components.metrics.bounds import (
    AmortisationGap,
    ELBOMetric,
    EntropyFloor,
    ImportanceWeighted,
)
from vaezoo.components.metrics.classifier_metrics import LinearProbe, NearestNeighbours
from vaezoo.components.metrics.image_metrics import ReconstructionError, SampleQuality
from vaezoo.components.metrics.latent_metrics import ActiveUnits, Information
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
