"""Discrete latents for vaezoo."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_discrete.figures import Perplexity
from vaezoo_discrete.posteriors import CategoricalPosterior, FSQPosterior, VQPosterior
from vaezoo_discrete.priors import UniformCodes
from vaezoo_discrete.samplers import PixelCNNSampler

__all__ = [
    "CategoricalPosterior",
    "FSQPosterior",
    "Perplexity",
    "PixelCNNSampler",
    "UniformCodes",
    "VQPosterior",
]

vaezoo_api = 2


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """Posteriors over codes, their prior and sampler, and the metric ``perplexity``."""
    return [
        VQPosterior,
        FSQPosterior,
        CategoricalPosterior,
        UniformCodes,
        PixelCNNSampler,
        Perplexity,
    ]
