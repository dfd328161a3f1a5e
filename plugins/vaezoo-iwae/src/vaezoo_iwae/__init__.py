"""The importance-weighted objective for vaezoo."""

from __future__ import annotations

from vaezoo import Component, hookimpl
from vaezoo_iwae.components import IWAELoss

__all__ = ["IWAELoss"]


@hookimpl
def vaezoo_components() -> list[type[Component]]:
    """The loss ``iwae``."""
    return [IWAELoss]
