"""Components, their contracts, and the plugins that supply them."""

from vaezoo.registry.component import Component
from vaezoo.registry.component_kinds import (
    KINDS,
    Dataset,
    Decoder,
    Encoder,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Posterior,
    Prior,
    Sampler,
    Topology,
    Visualizer,
)
from vaezoo.registry.contracts import (
    Batch,
    DataFacts,
    EncodedPicture,
    EpochRecord,
    EvaluationContext,
    Figure,
    ImageData,
    ImageShape,
    Metrics,
    PublishedEntry,
    RunInfo,
    Split,
)
from vaezoo.registry.discovery import Plugin
from vaezoo.registry.hookspecs import hookimpl
from vaezoo.registry.module_contracts import Condition, LatentSpace
from vaezoo.registry.quantity import Definition, Quantity
from vaezoo.registry.registry import Registered, Registry, discover, new_registry
from vaezoo.registry.verdicts import TargetResult

__all__ = [
    "KINDS",
    "Batch",
    "Component",
    "Condition",
    "DataFacts",
    "Dataset",
    "Decoder",
    "Definition",
    "EncodedPicture",
    "Encoder",
    "EpochRecord",
    "EvaluationContext",
    "Figure",
    "ImageData",
    "ImageShape",
    "LatentSpace",
    "Likelihood",
    "Loss",
    "Metric",
    "Metrics",
    "Optimizer",
    "Plugin",
    "Posterior",
    "Prior",
    "PublishedEntry",
    "Quantity",
    "Registered",
    "Registry",
    "RunInfo",
    "Sampler",
    "Split",
    "TargetResult",
    "Topology",
    "Visualizer",
    "discover",
    "hookimpl",
    "new_registry",
]
