"""Which class of checks a component of each kind is held to."""

from __future__ import annotations

from vaezoo.conformance.coders import DecoderConformance, EncoderConformance
from vaezoo.conformance.component import ComponentConformance
from vaezoo.conformance.dataset import DatasetConformance
from vaezoo.conformance.likelihood import LikelihoodConformance
from vaezoo.conformance.loss import LossConformance
from vaezoo.conformance.optimizer import OptimizerConformance
from vaezoo.conformance.prior import PriorConformance
from vaezoo.conformance.scene import MetricConformance, VisualizerConformance

BY_KIND: dict[str, type[ComponentConformance]] = {
    conformance.kind: conformance
    for conformance in (
        DatasetConformance,
        EncoderConformance,
        DecoderConformance,
        LikelihoodConformance,
        PriorConformance,
        LossConformance,
        OptimizerConformance,
        MetricConformance,
        VisualizerConformance,
    )
}
