"""Residual convolutional encoder and decoder for vaezoo."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_resnet.components import ResidualDecoder, ResidualEncoder

__all__ = ["ResidualDecoder", "ResidualEncoder"]


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The encoder and the decoder called ``residual``."""
    return [ResidualEncoder, ResidualDecoder]
