"""vaezoo: a YAML spec goes in, a verified, sample-able variational autoencoder comes out.

>>> import vaezoo
>>> model = vaezoo.load("fashion_mlp2")
>>> images = model.sample(50)

Names are imported on first use, so ``import vaezoo`` is fast.
"""

from __future__ import annotations

import importlib
from _thread import RLock  # threading and typing take long to import, and Ctrl-C may come then

TYPE_CHECKING = False  # type checkers know better

if TYPE_CHECKING:
    import typing

    __version__: str

    from vaezoo.data.on_disk import ImageWriter as ImageWriter
    from vaezoo.data.on_disk import images_on_disk as images_on_disk
    from vaezoo.diagnostics import DataError as DataError
    from vaezoo.diagnostics import Diagnostic as Diagnostic
    from vaezoo.diagnostics import VaezooError as VaezooError
    from vaezoo.evaluation.evaluate_entry import evaluate as evaluate
    from vaezoo.evaluation.push import push as push
    from vaezoo.evaluation.verify import verify as verify
    from vaezoo.explorer import explore as explore
    from vaezoo.explorer import explore_model as explore_model
    from vaezoo.exports.export import export as export
    from vaezoo.gallery import build_gallery as build_gallery
    from vaezoo.model import VAE as VAE
    from vaezoo.model import DiagonalGaussian as DiagonalGaussian
    from vaezoo.model import Inference as Inference
    from vaezoo.model import LatentDistribution as LatentDistribution
    from vaezoo.model import Site as Site
    from vaezoo.model import Trace as Trace
    from vaezoo.registry import Batch as Batch
    from vaezoo.registry import Component as Component
    from vaezoo.registry import DataFacts as DataFacts
    from vaezoo.registry import Dataset as Dataset
    from vaezoo.registry import Decoder as Decoder
    from vaezoo.registry import Definition as Definition
    from vaezoo.registry import EncodedPicture as EncodedPicture
    from vaezoo.registry import Encoder as Encoder
    from vaezoo.registry import EpochRecord as EpochRecord
    from vaezoo.registry import EvaluationContext as EvaluationContext
    from vaezoo.registry import Figure as Figure
    from vaezoo.registry import ImageData as ImageData
    from vaezoo.registry import ImageShape as ImageShape
    from vaezoo.registry import LatentSpace as LatentSpace
    from vaezoo.registry import Likelihood as Likelihood
    from vaezoo.registry import Loss as Loss
    from vaezoo.registry import Metric as Metric
    from vaezoo.registry import Optimizer as Optimizer
    from vaezoo.registry import Posterior as Posterior
    from vaezoo.registry import Prior as Prior
    from vaezoo.registry import PublishedEntry as PublishedEntry
    from vaezoo.registry import Quantity as Quantity
    from vaezoo.registry import RunInfo as RunInfo
    from vaezoo.registry import Sampler as Sampler
    from vaezoo.registry import Split as Split
    from vaezoo.registry import Topology as Topology
    from vaezoo.registry import Visualizer as Visualizer
    from vaezoo.registry import hookimpl as hookimpl
    from vaezoo.registry.contracts import ImageClassifier as ImageClassifier
    from vaezoo.registry.contracts import TrainingImages as TrainingImages
    from vaezoo.registry.fields import Activation as Activation
    from vaezoo.registry.fields import Initializer as Initializer
    from vaezoo.registry.fields import NonNegative as NonNegative
    from vaezoo.registry.fields import Positive as Positive
    from vaezoo.registry.fields import Schedule as Schedule
    from vaezoo.registry.fields import value_at as value_at
    from vaezoo.registry.fields.binarization import Binarization as Binarization
    from vaezoo.registry.module_contracts import BoundPrior as BoundPrior
    from vaezoo.registry.module_contracts import BoundSampler as BoundSampler
    from vaezoo.registry.module_contracts import InitializedByData as InitializedByData
    from vaezoo.registry.module_contracts import LikelihoodModule as LikelihoodModule
    from vaezoo.registry.module_contracts import LossModule as LossModule
    from vaezoo.registry.module_contracts import PosteriorModule as PosteriorModule
    from vaezoo.registry.module_contracts import PriorModule as PriorModule
    from vaezoo.registry.module_contracts import SamplerModule as SamplerModule
    from vaezoo.registry.module_contracts import TopologyModule as TopologyModule
    from vaezoo.registry.scaffold.new_plugin import new_plugin as new_plugin
    from vaezoo.reports import report as report
    from vaezoo.runs.ray import sweep_on_ray as sweep_on_ray
    from vaezoo.runs.run import run as run
    from vaezoo.runs.sweep import sweep as sweep
    from vaezoo.spec import Spec as Spec
    from vaezoo.spec import expand as expand
    from vaezoo.spec import read as read
    from vaezoo.spec import validate as validate
    from vaezoo.spec.json_schema import schema as schema
    from vaezoo.spec.repair.repair_spec import Repair as Repair
    from vaezoo.spec.repair.repair_spec import repair as repair
    from vaezoo.spec.spec import TrainSpec as TrainSpec
    from vaezoo.zoo import load as load
    from vaezoo.zoo.entry import Entry as Entry
    from vaezoo.zoo.remote.pull import pull as pull
    from vaezoo.zoo.spec_lookup import diff as diff
    from vaezoo.zoo.spec_lookup import why as why

_HOME = {
    "Activation": "vaezoo.registry.fields",
    "Batch": "vaezoo.registry",
    "Binarization": "vaezoo.registry.fields.binarization",
    "BoundPrior": "vaezoo.registry.module_contracts",
    "BoundSampler": "vaezoo.registry.module_contracts",
    "Component": "vaezoo.registry",
    "DataError": "vaezoo.diagnostics",
    "DataFacts": "vaezoo.registry",
    "Dataset": "vaezoo.registry",
    "Decoder": "vaezoo.registry",
    "Definition": "vaezoo.registry",
    "Diagnostic": "vaezoo.diagnostics",
    "DiagonalGaussian": "vaezoo.model",
    "Encoder": "vaezoo.registry",
    "Entry": "vaezoo.zoo.entry",
    "EncodedPicture": "vaezoo.registry",
    "EpochRecord": "vaezoo.registry",
    "EvaluationContext": "vaezoo.registry",
    "Figure": "vaezoo.registry",
    "ImageClassifier": "vaezoo.registry.contracts",
    "ImageData": "vaezoo.registry",
    "ImageShape": "vaezoo.registry",
    "ImageWriter": "vaezoo.data.on_disk",
    "Inference": "vaezoo.model",
    "InitializedByData": "vaezoo.registry.module_contracts",
    "Initializer": "vaezoo.registry.fields",
    "LatentDistribution": "vaezoo.model",
    "LatentSpace": "vaezoo.registry",
    "Likelihood": "vaezoo.registry",
    "LikelihoodModule": "vaezoo.registry.module_contracts",
    "Loss": "vaezoo.registry",
    "LossModule": "vaezoo.registry.module_contracts",
    "Metric": "vaezoo.registry",
    "NonNegative": "vaezoo.registry.fields",
    "Optimizer": "vaezoo.registry",
    "Positive": "vaezoo.registry.fields",
    "Posterior": "vaezoo.registry",
    "PosteriorModule": "vaezoo.registry.module_contracts",
    "Prior": "vaezoo.registry",
    "PriorModule": "vaezoo.registry.module_contracts",
    "PublishedEntry": "vaezoo.registry",
    "Quantity": "vaezoo.registry",
    "Repair": "vaezoo.spec.repair.repair_spec",
    "RunInfo": "vaezoo.registry",
    "Sampler": "vaezoo.registry",
    "SamplerModule": "vaezoo.registry.module_contracts",
    "Schedule": "vaezoo.registry.fields",
    "Site": "vaezoo.model",
    "Spec": "vaezoo.spec",
    "Split": "vaezoo.registry",
    "Topology": "vaezoo.registry",
    "TopologyModule": "vaezoo.registry.module_contracts",
    "TrainingImages": "vaezoo.registry.contracts",
    "Trace": "vaezoo.model",
    "TrainSpec": "vaezoo.spec.spec",
    "VAE": "vaezoo.model",
    "VaezooError": "vaezoo.diagnostics",
    "Visualizer": "vaezoo.registry",
    "build_gallery": "vaezoo.gallery",
    "diff": "vaezoo.zoo.spec_lookup",
    "evaluate": "vaezoo.evaluation.evaluate_entry",
    "expand": "vaezoo.spec",
    "export": "vaezoo.exports.export",
    "explore": "vaezoo.explorer",
    "explore_model": "vaezoo.explorer",
    "hookimpl": "vaezoo.registry",
    "images_on_disk": "vaezoo.data.on_disk",
    "load": "vaezoo.zoo",
    "new_plugin": "vaezoo.registry.scaffold.new_plugin",
    "pull": "vaezoo.zoo.remote.pull",
    "push": "vaezoo.evaluation.push",
    "read": "vaezoo.spec",
    "repair": "vaezoo.spec.repair.repair_spec",
    "report": "vaezoo.reports",
    "run": "vaezoo.runs.run",
    "schema": "vaezoo.spec.json_schema",
    "sweep": "vaezoo.runs.sweep",
    "sweep_on_ray": "vaezoo.runs.ray",
    "validate": "vaezoo.spec",
    "value_at": "vaezoo.registry.fields",
    "verify": "vaezoo.evaluation.verify",
    "why": "vaezoo.zoo.spec_lookup",
}

#: Without it, a thread can see a module that another thread has not finished importing.
_IMPORTING = RLock()

__all__ = [
    "VAE",
    *sorted(set(_HOME) - {"VAE"}),
]


def __getattr__(name: str) -> typing.Any:
    value: typing.Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("vaezoo")
    elif name in _HOME:
        with _IMPORTING:
            value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'vaezoo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
