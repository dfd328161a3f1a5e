"""The old home of ``render``."""

from vaezoo.reporting import render

__all__ = ["render"]
