"""Normalizing flows for vaezoo: posteriors and priors."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_flows.posteriors import IAFPosterior, PlanarPosterior
from vaezoo_flows.priors import MAFPrior, MixturePrior, RealNVPPrior

__all__ = ["IAFPosterior", "MAFPrior", "MixturePrior", "PlanarPosterior", "RealNVPPrior"]

vaezoo_api = 2


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The posteriors ``planar`` and ``iaf``; the priors ``mixture``, ``realnvp`` and ``maf``."""
    return [PlanarPosterior, IAFPosterior, MixturePrior, RealNVPPrior, MAFPrior]
