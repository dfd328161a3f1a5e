"""Conformance tests for plugins, as pytest classes to subclass.

>>> from vaezoo.testing import EncoderConformance
>>> class TestMine(EncoderConformance):
...     component = Mine(hidden=(32,))

pytest then runs every check of an encoder. Set ``strict = True`` to count the optional ones
too, ``native = True`` to try torch.compile's own code. The same checks run without pytest in
``vaezoo plugins check``.
"""

from vaezoo.conformance.coders import DecoderConformance, EncoderConformance
from vaezoo.conformance.component import ComponentConformance
from vaezoo.conformance.dataset import DatasetConformance
from vaezoo.conformance.likelihood import LikelihoodConformance
from vaezoo.conformance.loss import LossConformance
from vaezoo.conformance.optimizer import OptimizerConformance
from vaezoo.conformance.outcome import Nonconforming, NotApplicable, optional, require
from vaezoo.conformance.plugin import PluginConformance
from vaezoo.conformance.prior import PriorConformance
from vaezoo.conformance.scene import MetricConformance, VisualizerConformance
from vaezoo.conformance.stage import small_model, small_scene, small_spec

__all__ = [
    "ComponentConformance",
    "DatasetConformance",
    "DecoderConformance",
    "EncoderConformance",
    "LikelihoodConformance",
    "LossConformance",
    "MetricConformance",
    "Nonconforming",
    "NotApplicable",
    "OptimizerConformance",
    "PluginConformance",
    "PriorConformance",
    "VisualizerConformance",
    "optional",
    "require",
    "small_model",
    "small_scene",
    "small_spec",
]
