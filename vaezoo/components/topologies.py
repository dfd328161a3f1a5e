"""Topologies: how latent variables depend on each other."""

from __future__ import annotations

from vaezoo.registry import Component, Posterior, Topology
from vaezoo.registry.module_contracts import Shape, TopologyModule


class SingleTopology(Topology, use="single"):
    """One latent variable: z ~ q(z|x) in training, z ~ p(z) in sampling."""

    conditional = True

    def build(self, posterior: Posterior, latent: Shape) -> TopologyModule:
        """A module without weights."""
        from vaezoo.model import SingleSite

        return SingleSite()


COMPONENTS: list[type[Component]] = [SingleTopology]
