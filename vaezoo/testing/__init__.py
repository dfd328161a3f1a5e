"""Conformance tests for plugins: pytest classes to subclass.

>>> from vaezoo.testing import EncoderConformance
>>> class TestMine(EncoderConformance):
...     component = Mine(hidden=(32,))

pytest then runs every check of an encoder. ``strict = True`` makes optional checks count,
``native = True`` also tries torch.compile's inductor backend. ``vaezoo plugins check`` runs the
same checks without pytest.

Names are imported on first use, so that measuring a plugin's imports does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.testing.conformance.coder_checks import DecoderConformance as DecoderConformance
    from vaezoo.testing.conformance.coder_checks import EncoderConformance as EncoderConformance
    from vaezoo.testing.conformance.component_checks import (
        ComponentConformance as ComponentConformance,
    )
    from vaezoo.testing.conformance.dataset_checks import DatasetConformance as DatasetConformance
    from vaezoo.testing.conformance.likelihood_checks import (
        LikelihoodConformance as LikelihoodConformance,
    )
    from vaezoo.testing.conformance.loss_checks import LossConformance as LossConformance
    from vaezoo.testing.conformance.metric_checks import MetricConformance as MetricConformance
    from vaezoo.testing.conformance.metric_checks import (
        VisualizerConformance as VisualizerConformance,
    )
    from vaezoo.testing.conformance.optimizer_checks import (
        OptimizerConformance as OptimizerConformance,
    )
    from vaezoo.testing.conformance.outcome import Nonconforming as Nonconforming
    from vaezoo.testing.conformance.outcome import NotApplicable as NotApplicable
    from vaezoo.testing.conformance.outcome import optional as optional
    from vaezoo.testing.conformance.outcome import require as require
    from vaezoo.testing.conformance.plugin_checks import PluginConformance as PluginConformance
    from vaezoo.testing.conformance.posterior_checks import (
        PosteriorConformance as PosteriorConformance,
    )
    from vaezoo.testing.conformance.prior_checks import PriorConformance as PriorConformance
    from vaezoo.testing.conformance.resume_check import (
        require_exact_resume as require_exact_resume,
    )
    from vaezoo.testing.conformance.sampler_checks import SamplerConformance as SamplerConformance
    from vaezoo.testing.conformance.tiny_models import small_context as small_context
    from vaezoo.testing.conformance.tiny_models import small_model as small_model
    from vaezoo.testing.conformance.tiny_models import small_spec as small_spec
    from vaezoo.testing.conformance.topology_checks import (
        TopologyConformance as TopologyConformance,
    )

_CHECKS = "vaezoo.testing.conformance"
_HOME = {
    "ComponentConformance": "component_checks",
    "DatasetConformance": "dataset_checks",
    "DecoderConformance": "coder_checks",
    "EncoderConformance": "coder_checks",
    "LikelihoodConformance": "likelihood_checks",
    "LossConformance": "loss_checks",
    "MetricConformance": "metric_checks",
    "Nonconforming": "outcome",
    "NotApplicable": "outcome",
    "OptimizerConformance": "optimizer_checks",
    "PluginConformance": "plugin_checks",
    "PosteriorConformance": "posterior_checks",
    "PriorConformance": "prior_checks",
    "SamplerConformance": "sampler_checks",
    "TopologyConformance": "topology_checks",
    "VisualizerConformance": "metric_checks",
    "optional": "outcome",
    "require": "outcome",
    "require_exact_resume": "resume_check",
    "small_context": "tiny_models",
    "small_model": "tiny_models",
    "small_spec": "tiny_models",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{_CHECKS}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
