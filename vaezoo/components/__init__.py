"""The built-in plugin, which uses the same entry point and hook as any other."""

from __future__ import annotations

from vaezoo.registry import Component, hookimpl


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """All built-in components; their modules do not import torch."""
    from vaezoo.components import (
        datasets,
        decoders,
        encoders,
        likelihoods,
        losses,
        metrics,
        optimizers,
        posteriors,
        priors,
        samplers,
        topologies,
        visualizers,
    )

    modules = (
        datasets,
        encoders,
        posteriors,
        topologies,
        decoders,
        likelihoods,
        priors,
        losses,
        optimizers,
        samplers,
        metrics,
        visualizers,
    )
    return [component for module in modules for component in module.COMPONENTS]
