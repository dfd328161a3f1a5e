"""Components, their contracts, and the plugins that supply them."""

from vaezoo.registry.component import (
    KINDS,
    Component,
    Dataset,
    Decoder,
    Encoder,
    Likelihood,
    Loss,
    Metric,
    Optimizer,
    Prior,
    Visualizer,
)
from vaezoo.registry.contracts import (
    DataFacts,
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
from vaezoo.registry.quantity import Definition, Quantity
from vaezoo.registry.registry import Registered, Registry, discover, new_registry
from vaezoo.registry.verdicts import TargetResult

__all__ = [
    "KINDS",
    "Component",
    "DataFacts",
    "Dataset",
    "Decoder",
    "Definition",
    "Encoder",
    "EpochRecord",
    "EvaluationContext",
    "Figure",
    "ImageData",
    "ImageShape",
    "Likelihood",
    "Loss",
    "Metric",
    "Metrics",
    "Optimizer",
    "Plugin",
    "Prior",
    "PublishedEntry",
    "Quantity",
    "Registered",
    "Registry",
    "RunInfo",
    "Split",
    "TargetResult",
    "Visualizer",
    "discover",
    "hookimpl",
    "new_registry",
]
