"""Hierarchies of latent variables for vaezoo."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_ladder.topologies import LadderTopology, TopDownTopology

__all__ = ["LadderTopology", "TopDownTopology"]

vaezoo_api = 2


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The topologies ``ladder`` and ``top_down``."""
    return [LadderTopology, TopDownTopology]
