"""The VampPrior for vaezoo, and a picture of its pseudo-inputs."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_vampprior.components import PseudoInputs, VampPrior

__all__ = ["PseudoInputs", "VampPrior"]


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The prior ``vampprior`` and the visualizer ``pseudo_inputs``."""
    return [VampPrior, PseudoInputs]
