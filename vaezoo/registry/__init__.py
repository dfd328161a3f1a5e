"""Components, their contracts, and how plugins supply them."""

from vaezoo.discovery import Plugin
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
    Entry,
    EpochRecord,
    Figure,
    ImageData,
    ImageShape,
    RunInfo,
    Scene,
    Split,
)
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
    "Entry",
    "EpochRecord",
    "Figure",
    "ImageData",
    "ImageShape",
    "Likelihood",
    "Loss",
    "Metric",
    "Optimizer",
    "Plugin",
    "Prior",
    "Quantity",
    "Registered",
    "Registry",
    "RunInfo",
    "Scene",
    "Split",
    "TargetResult",
    "Visualizer",
    "discover",
    "hookimpl",
    "new_registry",
]
