"""The class of checks for each kind of component."""

from __future__ import annotations

from vaezoo.testing.conformance.coder_checks import DecoderConformance, EncoderConformance
from vaezoo.testing.conformance.component_checks import ComponentConformance
from vaezoo.testing.conformance.dataset_checks import DatasetConformance
from vaezoo.testing.conformance.likelihood_checks import LikelihoodConformance
from vaezoo.testing.conformance.loss_checks import LossConformance
from vaezoo.testing.conformance.metric_checks import MetricConformance, VisualizerConformance
from vaezoo.testing.conformance.optimizer_checks import OptimizerConformance
from vaezoo.testing.conformance.posterior_checks import PosteriorConformance
from vaezoo.testing.conformance.prior_checks import PriorConformance
from vaezoo.testing.conformance.sampler_checks import SamplerConformance
from vaezoo.testing.conformance.topology_checks import TopologyConformance

BY_KIND: dict[str, type[ComponentConformance]] = {
    conformance.kind: conformance
    for conformance in (
        DatasetConformance,
        EncoderConformance,
        PosteriorConformance,
        TopologyConformance,
        DecoderConformance,
        LikelihoodConformance,
        PriorConformance,
        LossConformance,
        OptimizerConformance,
        SamplerConformance,
        MetricConformance,
        VisualizerConformance,
    )
}
